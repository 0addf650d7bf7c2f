import { setTimeout as sleep } from 'node:timers/promises'
import type { MqError, Settlement } from '@mq/core/adapter'
import { commandError, isGroupMissing, operationError, willPass } from '../connection/errors.js'
import type { Link } from '../connection/link.js'
import { packFailure } from '../wire/fields.js'
import type { GroupPlace } from '../wire/keys.js'
import { laneOf } from '../wire/keys.js'
import { ackScript, moveScript, parkScript } from '../wire/scripts/settle.js'
import type { Run, Runs } from './runs.js'

export interface SettlerParts {
  readonly place: GroupPlace
  /** As the broker knows the consumer. */
  readonly name: string
  readonly link: Link
  readonly runs: Runs
  readonly ordered: boolean
  readonly onError: (error: MqError) => void
  /** The entry of a message that was to be tried again or dead-lettered is gone. */
  readonly onGone: (run: Run) => void
  /** Something was settled, so that the broker may have the next one. */
  readonly onSettled: (settlement: Settlement) => void
}

const acksAtOnce = 500
const longestPauseMs = 2_000

/** Carries settlements out at the broker: each one atomically, and only while the message is still this consumer's. */
export function createSettler(parts: SettlerParts) {
  const { place, name, link, runs, ordered } = parts
  const { stream, retry, due, dueData, seq, dead, lanes, waiting, open } = place.keys
  let acks: Run[] = []

  const lane = (run: Run): string => (ordered ? laneOf(run.entry.message.key) : '')

  /** Acknowledgements of one turn of the event loop go out together. */
  function acknowledge(run: Run): void {
    if (acks.length === 0) setImmediate(flush)
    acks.push(run)
  }
  function flush(): void {
    const all = acks
    acks = []
    for (let at = 0; at < all.length; at += acksAtOnce) void insist(all.slice(at, at + acksAtOnce), done, sendAcks)
  }
  async function sendAcks(batch: readonly Run[]): Promise<void> {
    const byKind = (['m', 'r'] as const).map((kind) => batch.filter((run) => run.kind === kind))
    const args = byKind.flatMap((some) =>
      some.length === 0 ? [0] : [some.length, ...idRange(some), ...some.map(({ id }) => id)],
    )
    if (ordered) args.push(...byKind.flat().map(lane))
    await link.run(ackScript, [stream, retry, lanes, waiting, open], [place.group, name, ...args])
  }

  async function move(
    run: Run,
    to: 'retry' | 'dead',
    next: { delayMs: number; attempt: number; failure: string },
  ): Promise<void> {
    const keys = [stream, retry, due, dueData, seq, dead, lanes, waiting, open]
    const head = [place.group, name, run.kind, run.id, lane(run)]
    const moved = await link.run(moveScript, keys, [...head, to, next.delayMs, next.attempt, next.failure])
    if (moved === -1) parts.onGone(run)
  }

  /** Once. Rejects with a `CommandError`. */
  async function release(run: Run): Promise<void> {
    if (ordered && lane(run) !== '') {
      const head = [place.group, name]
      await link.run(parkScript, [stream, retry, lanes, waiting, open], [...head, run.kind, run.id, lane(run)])
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

  /**
   * Tries until it is done, the messages are not ours any more or the link is closed. That an answer was lost does no harm: the
   * second time the broker sees that it is done.
   */
  async function insist(
    batch: readonly Run[],
    settlement: Settlement,
    work: (ours: readonly Run[]) => Promise<void>,
  ): Promise<void> {
    let told = false
    let ours = batch.filter((run) => runs.has(run))
    for (let pauseMs = 20; ours.length > 0 && !link.isClosed; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      try {
        await work(ours)
        break
      } catch (error) {
        const failed = commandError(error)
        if (isGroupMissing(failed)) break
        if (!told && failed.kind === 'refused' && !willPass(failed)) {
          told = true
          parts.onError(operationError('Settling a message', failed))
        }
        if (link.isUp) await sleep(pauseMs)
        else await link.whenUp(longestPauseMs)
      }
      ours = ours.filter((run) => runs.has(run))
    }
    for (const run of ours) runs.end(run)
    parts.onSettled(settlement)
  }

  return {
    release,
    /** Ends the run once the broker knows. */
    settle(run: Run, settlement: Settlement): void {
      if (settlement.kind === 'done') acknowledge(run)
      else void insist([run], settlement, () => carryOut(run, settlement))
    },
  }
}

const done: Settlement = { kind: 'done' }

/** The lowest and the highest id. */
function idRange(some: readonly Run[]): [string, string] {
  let low = (some[0] as Run).id
  let high = low
  for (const { id } of some) {
    if (isBefore(id, low)) low = id
    if (isBefore(high, id)) high = id
  }
  return [low, high]
}

function isBefore(a: string, b: string): boolean {
  const dash = a.indexOf('-')
  if (a.length === b.length && b[dash] === '-') return a < b
  const [aTime = '', aNumber = ''] = a.split('-')
  const [bTime = '', bNumber = ''] = b.split('-')
  return aTime === bTime ? numberBefore(aNumber, bNumber) : numberBefore(aTime, bTime)
}

/** Of decimal numbers that may have 20 digits. */
const numberBefore = (a: string, b: string): boolean => (a.length === b.length ? a < b : a.length < b.length)
