import { randomUUID } from 'node:crypto'
import { MqError, type StopOptions, withTimeout } from '@mq/core/adapter'
import { createLink } from '../connection/link.js'
import { persist } from '../connection/retry.js'
import { decodeEntry } from '../wire/entry.js'
import { entriesOf, type Owned, type RawEntry } from '../wire/reply.js'
import { positionScript, unlistenScript } from '../wire/scripts/group.js'
import { takeScript } from '../wire/scripts/take.js'
import type { ConsumerParts } from './group-consumer.js'
import { LocalLanes } from './local-lanes.js'
import { superviseLoop } from './loop.js'
import type { RunningConsumer } from './running-consumer.js'
import { Runs } from './runs.js'

/** How many messages may wait for another of their key, before nothing more is read. */
const maxWaiting = 1_000
const unlistenMs = 1_000

/**
 * Reads the topic's stream from where it ends now, in no consumer group: it leaves nothing at the broker and holds nothing up.
 * What is trimmed before it was read is counted and reported.
 */
export async function startEphemeralConsumer(parts: ConsumerParts): Promise<RunningConsumer> {
  const { settings, place, options, report } = parts
  const ref = { topic: place.topic, group: place.group }
  const { stream, retry, due, dueData, delayed, delayedData, listeners } = place.keys
  const name = randomUUID()
  const runs = new Runs(options.concurrency)
  const lanes = options.ordered ? new LocalLanes() : undefined
  const link = createLink(settings)
  let isStopping = false
  let stopped: Promise<void> | undefined
  let takeAt = 0
  let checkAt = 0

  const position = async (): Promise<{ last: string; added: number }> => {
    const [last, added] = (await link.run(
      positionScript,
      [stream, listeners],
      [name, settings.visibilityMs],
    )) as readonly [Buffer, number]
    return { last: String(last), added }
  }

  await link.open()
  /** The entry read last, and how many were ever added up to it, as far as we counted. */
  const timeoutMs = 2 * settings.commandTimeoutMs
  const start = persist({ what: 'Subscribing', link, timeoutMs, repeatable: true }, position)
  let { last: seen, added: counted } = await start.catch((error) => {
    link.close()
    throw error
  })
  // Not a part of the loop: it is there, too, while all its handlers are busy.
  const listening = setInterval(() => void position().catch(() => {}), settings.visibilityMs / 3)

  function accept([rawId, fields]: RawEntry): void {
    const id = rawId.toString()
    seen = id
    counted += 1
    const entry = decodeEntry({ id, fields: fields ?? [] }, place.topic)
    const owned: Owned = { kind: 'm', id, entry, deliveries: 1, claimedAt: performance.now() }
    if (lanes === undefined || lanes.enter(owned)) begin(owned)
  }

  function begin(owned: Owned): void {
    const run = runs.begin(owned)
    const end = (): void => {
      if (!runs.has(run)) return
      runs.end(run)
      const next = lanes?.leave(owned)
      if (next !== undefined && !isStopping) begin(next)
    }
    parts.handle(run).then(end, end)
  }

  /** Only where everything was read: else what is still to come would be taken for lost. */
  async function checkLoss(): Promise<void> {
    const now = await position()
    if (now.last === seen && now.added > counted) {
      const reason = 'messages were trimmed before an ephemeral subscription had read them'
      report({ type: 'data-loss', ...ref, reason, count: now.added - counted })
    }
    if (now.last === seen) counted = now.added
    else if (now.added < counted) {
      report({ type: 'data-loss', ...ref, reason: 'the stream vanished at the broker' })
      seen = '0-0'
      counted = 0
    }
  }

  async function step(): Promise<void> {
    const now = performance.now()
    if (now >= takeAt) {
      // What falls due in the topic has to be moved by somebody, also where there are only ephemeral subscriptions.
      await link.run(takeScript, [stream, retry, due, dueData, delayed, delayedData], [place.group, '', 0])
      takeAt = now + settings.pollMs
    }
    const args = ['COUNT', runs.free, 'BLOCK', settings.pollMs, 'STREAMS', stream, seen]
    const entries = entriesOf(await link.send('XREAD', args))
    if (!isStopping) for (const entry of entries) accept(entry)
    if (entries.length > 0 || now < checkAt) return
    checkAt = now + 1_000
    await checkLoss()
  }

  const loop = superviseLoop({
    link,
    onError: (error) => report({ type: 'error', error, ...ref }),
    hasRoom: () => runs.free > 0 && (lanes?.waiting ?? 0) < maxWaiting,
    waitForRoom: () => runs.changed(1_000),
    step,
    recover: async () => {
      checkAt = 0
      return false
    },
  })

  async function stop(timeoutMs: number): Promise<void> {
    const endsAt = performance.now() + timeoutMs
    isStopping = true
    loop.stop()
    runs.wake()
    await withTimeout(loop.ended, timeoutMs + 2 * settings.pollMs, () => new Error('late')).catch(() => {})
    await runs.idle(Math.max(0, endsAt - performance.now()))
    const reason = new MqError('MQ_STOPPED', 'The subscription was stopped before the handler had finished')
    for (const run of runs.all) runs.lose(run, reason)
    clearInterval(listening)
    const leaving = link.run(unlistenScript, [listeners], [name])
    if (link.isUp) await withTimeout(leaving, unlistenMs, () => new Error('late')).catch(() => {})
    else leaving.catch(() => {})
    link.close()
  }

  return {
    health: () => ({ ...ref, status: isStopping ? 'stopping' : loop.isRunning() ? 'consuming' : 'recovering' }),
    stop({ timeoutMs }: StopOptions) {
      stopped ??= stop(timeoutMs)
      return stopped
    },
  }
}
