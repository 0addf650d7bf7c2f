import { setTimeout as sleep } from 'node:timers/promises'
import { type BackoffPauses, backoff, type MqError, type Settlement } from '@mq/core/adapter'
import { commandError, isGroupMissing, operationError, willPass } from '../connection/errors.js'
import type { Link } from '../connection/link.js'
import { idRange } from '../wire/entry.js'
import { packFailure } from '../wire/fields.js'
import type { GroupPlace } from '../wire/keys.js'
import { ackScript, moveScript, parkScript } from '../wire/scripts/settle.js'
import type { Intake } from './intake.js'
import type { OnLoss } from './running-consumer.js'
import type { Run, Runs } from './runs.js'

export interface SettlerParts {
  readonly place: GroupPlace
  /** The name of the consumer at the broker. */
  readonly name: string
  readonly link: Link
  readonly runs: Runs
  /** It learns when the broker may have another message for this consumer. */
  readonly intake: Pick<Intake, 'takeWithin'>
  readonly ordered: boolean
  /** It notes that messages were settled. */
  readonly topic: { hasSettled: boolean }
  readonly onError: (error: MqError) => void
  /** Called if the entry of a message that was to be retried or dead-lettered is gone. */
  readonly onLoss: OnLoss
}

export type Settler = ReturnType<typeof createSettler>

/** How many messages one script acknowledges. */
const maxAcks = 500
const minPauseMs = 20
const maxPauseMs = 2_000

/** Carries out settlements at the broker, each in one atomic step and only while this consumer owns the message. */
export function createSettler(parts: SettlerParts) {
  const { place, name, link, runs, intake, ordered } = parts
  const { stream, retry, due, dueData, dead, lanes, waiting, open, started } = place.keys
  let acks: Run[] = []

  const lane = (run: Run): string => (ordered ? run.lane : '')

  /** Collects the acknowledgements of one turn of the event loop. */
  function acknowledge(run: Run): void {
    if (acks.length === 0) setImmediate(flush)
    acks.push(run)
  }

  function flush(): void {
    const all = acks
    acks = []
    for (let at = 0; at < all.length; at += maxAcks) void untilSettled(all.slice(at, at + maxAcks), done, sendAcks)
  }

  async function sendAcks(batch: readonly Run[]): Promise<void> {
    const byKind = (['m', 'r'] as const).map((kind) => batch.filter((run) => run.kind === kind))
    const args = byKind.flatMap((some): (string | number)[] => {
      if (some.length === 0) return [0]
      const ids = some.map(({ id }) => id)
      return [ids.length, ...idRange(ids), ...ids]
    })
    if (ordered) args.push(...byKind.flat().map(lane))
    await link.run(ackScript, [stream, retry, lanes, waiting, open], [place.consumerGroup, name, ...args])
  }

  async function move(
    run: Run,
    to: 'retry' | 'dead',
    next: { delayMs: number; attempt: number; failure: string },
  ): Promise<void> {
    const keys = [stream, retry, due, dueData, dead, lanes, waiting, open]
    const head = [place.consumerGroup, name, run.kind, run.id, lane(run)]
    const moved = await link.run(moveScript, keys, [...head, to, next.delayMs, next.attempt, next.failure])
    if (moved === -1) parts.onLoss('entries', 1)
  }

  /** Gives a message back, without repeating that. Rejects with a `CommandError`. */
  async function release(run: Run): Promise<void> {
    if (ordered && lane(run) !== '') {
      const args = [place.consumerGroup, name, run.kind, run.id, lane(run)]
      await link.run(parkScript, [stream, retry, lanes, waiting, open], args)
      return
    }
    const { failure } = run.entry
    const same = { delayMs: 0, attempt: run.attempt, failure: failure === undefined ? '' : packFailure(failure) }
    await move(run, 'retry', same)
  }

  async function carryOut(run: Run, settlement: Exclude<Settlement, { readonly kind: 'done' }>): Promise<void> {
    switch (settlement.kind) {
      case 'release':
        return await release(run)
      case 'retry': {
        const { delayMs, failure } = settlement
        return await move(run, 'retry', { delayMs, attempt: run.attempt + 1, failure: packFailure(failure) })
      }
      case 'dead': {
        const failure = packFailure(settlement.failure)
        return await move(run, 'dead', { delayMs: 0, attempt: run.attempt, failure })
      }
    }
  }

  /** Removes what the broker knows of runs that took long. If that fails, the next tidying up does it. */
  function forgetStart(ended: readonly Run[]): void {
    const fullIds = ended.filter(({ isRenewed }) => isRenewed).map(({ fullId }) => fullId)
    if (fullIds.length > 0) link.send('ZREM', [started, ...fullIds]).catch(() => {})
  }

  /**
   * Repeats `work` until it succeeds, the messages belong to another consumer, or the link is closed. Repeating it after a lost answer
   * does no harm, because the broker then finds that it was done.
   */
  async function untilSettled(
    batch: readonly Run[],
    settlement: Settlement,
    work: (owned: readonly Run[]) => Promise<void>,
  ): Promise<void> {
    let pauses: BackoffPauses | undefined
    let isReported = false
    let owned = batch.filter((run) => runs.has(run))
    while (owned.length > 0 && !link.isClosed) {
      try {
        await work(owned)
        break
      } catch (error) {
        const failed = commandError(error)
        if (isGroupMissing(failed)) break
        if (!isReported && failed.kind === 'refused' && !willPass(failed)) {
          isReported = true
          parts.onError(operationError('Settling a message', failed))
        }
        pauses ??= backoff({ minMs: minPauseMs, maxMs: maxPauseMs })
        const pauseMs = pauses.next()
        if (link.isUp) await sleep(pauseMs)
        else await link.whenUp(maxPauseMs)
      }
      owned = owned.filter((run) => runs.has(run))
    }
    forgetStart(owned)
    for (const run of owned) runs.end(run)
    parts.topic.hasSettled = true
    if (settlement.kind === 'retry') intake.takeWithin(settlement.delayMs)
    // The key of the message is free again.
    else if (ordered) intake.takeWithin(0)
  }

  return {
    release,
    /** Carries out a settlement, and then ends the run. Does nothing for a run that was lost. */
    settle(run: Run, settlement: Settlement): void {
      if (!runs.has(run)) return
      run.isSettling = true
      if (settlement.kind === 'done') acknowledge(run)
      else void untilSettled([run], settlement, () => carryOut(run, settlement))
    },
  }
}

const done: Settlement = { kind: 'done' }
