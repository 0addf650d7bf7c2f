import { randomUUID } from 'node:crypto'
import { setImmediate as immediate } from 'node:timers/promises'
import { MqError, type Settlement, type StopOptions } from '@mq/core/adapter'
import { isGroupMissing } from '../connection/errors.js'
import { createLink } from '../connection/link.js'
import { settledWithin } from '../connection/waiters.js'
import type { OwnedEntry, Received } from '../wire/entry.js'
import { leaveScript, restoreScript } from '../wire/scripts/group.js'
import { tidyScript } from '../wire/scripts/tidy.js'
import { keepClaims } from './claims.js'
import { Intake } from './intake.js'
import { superviseLoop } from './loop.js'
import { type ConsumerParts, type RunningConsumer, stoppedError } from './running-consumer.js'
import { type Run, Runs } from './runs.js'
import { createSettler } from './settler.js'

/** Longer than it takes to settle a handler that ends at once, so that it may end even if a stop has no time. */
const minGraceMs = 500
/** How long a stop may take to give messages back. */
const releaseMs = 1_000
const tidyEveryMs = 1_000

/** Starts a consumer of a declared group. It has a connection of its own, on which it may block. */
export async function startGroupConsumer(parts: ConsumerParts): Promise<RunningConsumer> {
  const { settings, place, options, commands, report } = parts
  const ref = { topic: place.topic, group: place.group }
  const name = `${settings.clientName}-${randomUUID().slice(-12)}`
  const runs = new Runs(options.concurrency)
  const link = createLink(settings)
  const intake = new Intake({ settings, place, name, link, commands, runs, ordered: options.ordered })
  const onError = (error: MqError): void => report({ type: 'error', error, ...ref })
  const reportGone = (count: number): void =>
    report({ type: 'data-loss', ...ref, reason: 'entries were removed from the stream while they were pending', count })
  const settler = createSettler({
    place,
    name,
    link: commands,
    runs,
    ordered: options.ordered,
    onError,
    onGone: () => reportGone(1),
    onSettled: (settlement) => {
      if (settlement.kind === 'retry') intake.takeWithin(settlement.delayMs)
      else if (options.ordered) intake.takeWithin(0)
    },
  })
  /** The latest entry of the topic's stream that this consumer received. */
  let lastId = '0-0'
  let tidyAt = performance.now() + tidyEveryMs
  let isStopping = false
  let stopped: Promise<void> | undefined

  await link.open()
  const claims = keepClaims({ place, name, link: commands, runs, visibilityMs: settings.visibilityMs })

  function begin(owned: OwnedEntry): void {
    // A claim of our own that was taken for lost brings its message again. The first run no longer counts.
    const before = runs.find(owned)
    if (before !== undefined) runs.lose(before, new MqError('MQ_OWNERSHIP_LOST', 'The message was delivered again'))
    const run = runs.begin(owned)
    void parts.handle(run).then((settlement) => finish(run, settlement))
  }

  function finish(run: Run, settlement: Settlement): void {
    if (!runs.has(run)) return
    run.isSettling = true
    settler.settle(run, settlement)
  }

  function accept({ owned, gone }: Received): void {
    for (const one of owned) if (one.kind === 'm') lastId = one.id
    if (gone.length > 0) reportGone(gone.length)
    if (!isStopping) for (const one of owned) begin(one)
    // Messages that arrive during a stop are given back without having been started.
    else for (const one of owned) settler.settle(runs.begin(one), { kind: 'release' })
  }

  /** Creates the group again after it vanished. Its claims have vanished too, so all handlers that run lose their messages. */
  async function restore(): Promise<void> {
    const { stream, retry, groups, deleted } = place.keys
    const keys = [stream, retry, groups, deleted]
    const [wasCreated, wasDeleted] = (await link.run(restoreScript, keys, [place.group, lastId])) as readonly number[]
    const reason =
      wasDeleted === 1 ? 'the group was deleted under its consumers' : 'the stream or its group vanished at the broker'
    for (const run of runs.all) runs.lose(run, new MqError('MQ_OWNERSHIP_LOST', reason))
    lastId = '0-0'
    if (wasCreated === 1 || runs.size > 0) report({ type: 'data-loss', ...ref, reason })
  }

  async function tidy(): Promise<void> {
    const { stream, retry, groups, lanes, waiting, open } = place.keys
    await link.run(tidyScript, [stream, retry, groups, lanes, waiting, open], [place.group, settings.retain])
  }

  const loop = superviseLoop({
    link,
    onError,
    hasRoom: () => runs.free > 0,
    waitForRoom: () => runs.changed(1_000),
    async step(doing) {
      // Handlers that end in this turn of the event loop make room together, so that one read fills it.
      if (runs.size > 0) await immediate()
      const now = performance.now()
      if (now >= tidyAt) {
        tidyAt = now + tidyEveryMs
        doing('tidying')
        await tidy()
      }
      const received = await intake.next(doing)
      doing('accepting')
      accept(received)
    },
    async recover(error) {
      intake.recheckPending()
      if (!isGroupMissing(error)) return false
      await restore()
      return true
    },
  })

  async function stop(timeoutMs: number): Promise<void> {
    const endsAt = performance.now() + timeoutMs
    isStopping = true
    loop.stop()
    runs.wake()
    await settledWithin(loop.ended, Math.max(timeoutMs, settings.pollMs + minGraceMs))
    await runs.idle(Math.max(0, endsAt - performance.now()))
    await giveBack()
    claims.stop()
    const { stream, retry } = place.keys
    const leaving = commands.run(leaveScript, [stream, retry], [place.group, name])
    if (commands.isUp) await settledWithin(leaving, releaseMs)
    else leaving.catch(() => {})
    link.close()
  }

  async function giveBack(): Promise<void> {
    const left = runs.all
    const reason = stoppedError()
    for (const run of left) runs.lose(run, reason)
    if (left.length === 0 || !commands.isUp) return
    await settledWithin(Promise.allSettled(left.map((run) => settler.release(run))), releaseMs)
  }

  return {
    health: () => ({ ...ref, status: isStopping ? 'stopping' : loop.isRunning() ? 'consuming' : 'recovering' }),
    stop({ timeoutMs }: StopOptions) {
      stopped ??= stop(timeoutMs)
      return stopped
    },
  }
}
