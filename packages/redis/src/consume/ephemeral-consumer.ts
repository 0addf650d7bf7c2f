import { KeyLanes, type StopOptions } from '@mq/core/adapter'
import { retryWithin } from '../connection/retry.js'
import { settledWithin } from '../connection/waiters.js'
import { decodeEntry, type OwnedEntry, type RawEntry } from '../wire/entry.js'
import { unlistenScript } from '../wire/scripts/ephemeral.js'
import { EphemeralIntake } from './ephemeral-intake.js'
import { superviseLoop } from './loop.js'
import { trackPosition } from './position.js'
import { type ConsumerParts, lossReporter, type RunningConsumer, stoppedError } from './running-consumer.js'
import { Runs } from './runs.js'

/** How many messages may wait for others of their key before nothing more is read. */
const maxWaiting = 1_000
const unlistenMs = 1_000
/** How long a stop without a timeout waits for the answer to a read. */
const minGraceMs = 200

/**
 * Starts a consumer that reads the topic's stream from its present end, without a consumer group. It leaves nothing at the broker and
 * does not hold up trimming. Messages that are trimmed before it reads them are counted and reported.
 */
export async function startEphemeralConsumer(parts: ConsumerParts): Promise<RunningConsumer> {
  const { settings, place, options, common, report } = parts
  const ref = { topic: place.topic, group: place.group }
  const { listeners } = place.keys
  const runs = new Runs(options.concurrency)
  const lanes = options.ordered ? new KeyLanes<OwnedEntry>() : undefined
  const { link } = common
  const position = trackPosition({ settings, place, report, name: place.group, link })
  const onLoss = lossReporter(ref, report)
  let isStopping = false
  let stopped: Promise<void> | undefined

  await common.open()
  const timeoutMs = 2 * settings.commandTimeoutMs
  await retryWithin({ what: 'Subscribing', link, timeoutMs, isRepeatable: true }, position.start)
  const { portions } = common.join(place)
  const intake = new EphemeralIntake({ settings, place, common, portions, runs, position, onLoss })
  // It is not part of the loop, because the subscription is also there while all its handlers are busy.
  const announcing = setInterval(() => void position.announce().catch(() => {}), settings.visibilityMs / 3)

  function accept([rawId, fields]: RawEntry): OwnedEntry {
    const id = rawId.toString()
    position.advance(id)
    const entry = decodeEntry({ id, fields: fields ?? [] }, place.topic, place.form)
    const owned: OwnedEntry = { kind: 'm', id, entry, lane: '', deliveries: 1, claimedAt: performance.now() }
    if (lanes === undefined || lanes.enter(entry.message.key, owned)) begin(owned)
    return owned
  }

  function begin(owned: OwnedEntry): void {
    const run = runs.begin(owned)
    void parts.handle(run).then(() => {
      if (!runs.has(run)) return
      runs.end(run)
      const next = lanes?.leave(owned.entry.message.key, owned)
      if (next !== undefined && !isStopping) begin(next)
    })
  }

  const loop = superviseLoop({
    link,
    onError: (error) => report({ type: 'error', error, ...ref }),
    room: {
      get free() {
        return (lanes?.waiting ?? 0) < maxWaiting ? runs.free : 0
      },
      changed: (timeoutMs) => runs.changed(timeoutMs),
    },
    intake,
    accept(entries) {
      if (!isStopping) portions.learn(entries.map(accept))
    },
    recover: async () => {
      intake.recheck()
      return false
    },
  })

  async function stop(timeoutMs: number): Promise<void> {
    const endsAt = performance.now() + timeoutMs
    isStopping = true
    loop.stop()
    runs.wake()
    intake.wake()
    await settledWithin(loop.ended, timeoutMs + minGraceMs)
    await runs.idle(Math.max(0, endsAt - performance.now()))
    const reason = stoppedError()
    for (const run of runs.all) runs.lose(run, reason)
    clearInterval(announcing)
    intake.close()
    common.leave(place)
    const leaving = link.run(unlistenScript, [listeners], [place.group])
    if (link.isUp) await settledWithin(leaving, unlistenMs)
    else leaving.catch(() => {})
  }

  return {
    health: () => ({ ...ref, status: isStopping ? 'stopping' : loop.isRunning() ? 'consuming' : 'recovering' }),
    stop({ timeoutMs }: StopOptions) {
      stopped ??= stop(timeoutMs)
      return stopped
    },
  }
}
