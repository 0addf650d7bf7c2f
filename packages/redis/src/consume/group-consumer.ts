import { randomUUID } from 'node:crypto'
import { setImmediate as immediate } from 'node:timers/promises'
import {
  type ConsumeOptions,
  type Failure,
  type Handle,
  MqError,
  type Settlement,
  type StopOptions,
  withTimeout,
} from '@mq/core/adapter'
import { isGroupMissing } from '../connection/errors.js'
import { createLink, type Link } from '../connection/link.js'
import type { Settings } from '../options.js'
import type { GroupPlace } from '../wire/keys.js'
import type { Intake, Owned } from '../wire/reply.js'
import { leaveScript, restoreScript } from '../wire/scripts/group.js'
import { tidyScript } from '../wire/scripts/tidy.js'
import { keepClaims } from './claims.js'
import { createIntake } from './intake.js'
import { superviseLoop } from './loop.js'
import type { Report, RunningConsumer } from './running-consumer.js'
import { type Run, Runs } from './runs.js'
import { createSettler } from './settler.js'

export interface ConsumerParts {
  readonly settings: Settings
  readonly place: GroupPlace
  readonly options: ConsumeOptions
  readonly handle: Handle
  /** The adapter's own connection, for what must not wait behind a read. */
  readonly commands: Link
  readonly report: Report
}

/** Longer than a handler that ends at once takes to be settled: after a deadline of 0 too, what is nearly done may end. */
const leastGraceMs = 500
/** How long giving back may take at a stop. */
const releaseMs = 1_000
const brokenHandleDelayMs = 1_000

/** A consumer of a declared group, with a connection of its own to wait on. */
export async function startGroupConsumer(parts: ConsumerParts): Promise<RunningConsumer> {
  const { settings, place, options, commands, report } = parts
  const ref = { topic: place.topic, group: place.group }
  const { stream, retry } = place.keys
  const name = `${process.pid}-${randomUUID()}`
  const runs = new Runs(options.concurrency)
  const link = createLink(settings)
  const intake = createIntake({ settings, place, name, link, commands, runs, ordered: options.ordered })
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
      if (settlement.kind === 'retry') intake.expect(settlement.delayMs)
      else if (options.ordered) intake.expect(0)
    },
  })
  let seen = '0-0'
  let isStopping = false
  let stopped: Promise<void> | undefined
  let tidyAt = performance.now() + 1_000

  await link.open()
  const claims = keepClaims({ place, name, link: commands, runs, visibilityMs: settings.visibilityMs })

  function begin(owned: Owned): void {
    // A claim of our own that we had given up for lost: its first run is void.
    const before = runs.find(owned)
    if (before !== undefined) runs.lose(before, new MqError('MQ_OWNERSHIP_LOST', 'The message was delivered again'))
    const run = runs.begin(owned)
    parts.handle(run).then(
      (settlement) => finish(run, settlement),
      (error) => finish(run, brokenHandle(run, error)),
    )
  }

  function finish(run: Run, settlement: Settlement): void {
    if (!runs.has(run)) return
    run.settling = true
    settler.settle(run, settlement)
  }

  function brokenHandle(run: Run, cause: unknown): Settlement {
    const error = new MqError('MQ_OPERATION_FAILED', 'handle rejected; it must answer with a settlement', { cause })
    onError(error)
    return { kind: 'retry', delayMs: brokenHandleDelayMs, failure: failureOf(run, error) }
  }

  function accept({ owned, gone }: Intake): void {
    for (const one of owned) if (one.kind === 'm') seen = one.id
    if (gone.length > 0) reportGone(gone.length)
    if (!isStopping) for (const one of owned) begin(one)
    // Came in while the intake was being closed: given back without having been started.
    else for (const one of owned) settler.settle(runs.begin(one), { kind: 'release' })
  }

  /** The group has vanished, and with it the claims on all that is being handled. */
  async function restore(): Promise<void> {
    const { stream, retry, groups, deleted } = place.keys
    const keys = [stream, retry, groups, deleted]
    const [made, onPurpose] = (await link.run(restoreScript, keys, [place.group, seen])) as readonly number[]
    const reason =
      onPurpose === 1 ? 'the group was deleted under its consumers' : 'the stream or its group vanished at the broker'
    for (const run of runs.all) runs.lose(run, new MqError('MQ_OWNERSHIP_LOST', reason))
    seen = '0-0'
    if (made === 1 || runs.size > 0) report({ type: 'data-loss', ...ref, reason })
  }

  async function tidy(): Promise<void> {
    const { groups, lanes, waiting, open } = place.keys
    await link.run(tidyScript, [stream, retry, groups, lanes, waiting, open], [place.group, settings.retain])
  }

  const loop = superviseLoop({
    link,
    onError,
    hasRoom: () => runs.free > 0,
    waitForRoom: () => runs.changed(1_000),
    async step() {
      // What ends in this turn of the event loop ends together: one reading for all the room that there is.
      if (runs.size > 0) await immediate()
      const now = performance.now()
      if (now >= tidyAt) {
        tidyAt = now + 1_000
        await tidy()
      }
      accept(await intake.next())
    },
    async recover(error) {
      intake.doubt()
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
    await withTimeout(loop.ended, Math.max(timeoutMs, settings.pollMs + leastGraceMs), () => new Error('late')).catch(
      () => {},
    )
    await runs.idle(Math.max(0, endsAt - performance.now()))
    await giveBack()
    claims.stop()
    const leaving = commands.run(leaveScript, [stream, retry], [place.group, name])
    if (commands.isUp) await withTimeout(leaving, releaseMs, () => new Error('late')).catch(() => {})
    else leaving.catch(() => {})
    link.close()
  }

  async function giveBack(): Promise<void> {
    const left = runs.all
    const reason = new MqError('MQ_STOPPED', 'The subscription was stopped before the handler had finished')
    for (const run of left) runs.lose(run, reason)
    if (left.length === 0 || !commands.isUp) return
    const released = Promise.allSettled(left.map((run) => settler.release(run)))
    await withTimeout(released, releaseMs, () => new Error('late')).catch(() => {})
  }

  return {
    health: () => ({ ...ref, status: isStopping ? 'stopping' : loop.isRunning() ? 'consuming' : 'recovering' }),
    stop({ timeoutMs }: StopOptions) {
      stopped ??= stop(timeoutMs)
      return stopped
    },
  }
}

function failureOf(run: Run, error: MqError): Failure {
  const now = Date.now()
  return {
    reason: 'error',
    error: { name: error.name, message: error.message, code: error.code },
    attempts: run.attempt,
    firstFailedAt: run.entry.failure?.firstFailedAt ?? now,
    failedAt: now,
  }
}
