import { createHash } from 'node:crypto'
import { keysOf } from '../../contract/checks/options.js'
import { shown } from '../../contract/checks/shown.js'
import { Unrecoverable } from '../../contract/retry-errors.js'

/**
 * A message between the replicas of a schedule, on its topic:
 *
 * - `due`: it is time. Every replica publishes it when the time comes, and the group's owner enqueues the task for the first one.
 * - `ahead`: published before its time and delayed by the broker, in case no replica is up then. The replica that gets it publishes it
 *   as `due` or `overdue`.
 * - `overdue`: its time passed long ago, and its publisher does not know whether a replica was up.
 * - `ran`: the task was enqueued. Every replica gets it, so that a new owner does not enqueue it again.
 */
export interface Tick {
  readonly kind: 'due' | 'overdue' | 'ahead' | 'ran'
  /** Milliseconds since 1970. */
  readonly time: number
  /** `Timing.text` of the replica that published it. */
  readonly rule: string
}

export const tickId = (schedule: string, time: number): string => `${schedule}@${new Date(time).toISOString()}`

/** Returns the data of a tick's message. */
export const tickData = ({ kind, time, rule }: Tick) => ({ kind, tick: new Date(time).toISOString(), rule })

/** Returns the id of a tick's message. All replicas use the same one, so a broker that ignores repeated ids keeps one copy. */
export function tickMessageId(schedule: string, { kind, time, rule }: Tick): string {
  const ruleId = createHash('sha256').update(rule).digest('hex').slice(0, 12)
  return `${tickId(schedule, time)}/${ruleId}/${kind}`
}

const kinds: readonly unknown[] = keysOf<Record<Tick['kind'], true>>()({
  due: true,
  overdue: true,
  ahead: true,
  ran: true,
})
const isKind = (kind: unknown): kind is Tick['kind'] => kinds.includes(kind)

/** Reads the data of a tick's message. Throws `Unrecoverable` if no replica has written it. */
export function tickOf(data: unknown): Tick {
  const { kind, tick, rule } = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>
  const time = typeof tick === 'string' ? Date.parse(tick) : Number.NaN
  if (!isKind(kind) || Number.isNaN(time) || typeof rule !== 'string') {
    throw new Unrecoverable(`No tick of a schedule: ${shown(data)}`)
  }
  return { kind, time, rule }
}
