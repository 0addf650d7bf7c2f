import { createHash } from 'node:crypto'
import { keysOf, shown } from '../../contract/checks.js'
import { Unrecoverable } from '../../contract/interruptions.js'

/**
 * What replicas tell each other on a schedule's topic:
 *
 * - `due`: it is time. Published by every replica as the time comes; the group's owner enqueues the task for the first one.
 * - `ahead`: left at the broker before its time, for the case that no replica will be up then. Who gets it publishes it as one of
 *   the two others.
 * - `overdue`: its time passed long ago, and whoever says so does not know of a replica that was up.
 * - `ran`: the task was enqueued. Every replica hears it, so that a new owner does not do it again.
 */
export interface Tick {
  readonly kind: 'due' | 'overdue' | 'ahead' | 'ran'
  /** Milliseconds since 1970. */
  readonly time: number
  /** `Timing.text` of the replica that published it. */
  readonly rule: string
}

export const tickId = (schedule: string, time: number): string => `${schedule}@${new Date(time).toISOString()}`

export const scheduleTopic = (schedule: string): string => `schedule.${schedule}`

/**
 * True for what a schedule leaves at the broker ahead of its next tick. There is always one, so whoever waits until nothing is
 * delayed any more has to leave it out.
 */
export const isTickAhead = (topic: string, messageId: string): boolean =>
  topic.startsWith(scheduleTopic('')) && messageId.endsWith('/ahead')

/** What travels. */
export const tickData = ({ kind, time, rule }: Tick) => ({ kind, tick: new Date(time).toISOString(), rule })

/** Copies from all replicas have the same id, so that a broker that ignores repeated ids keeps one. */
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

/** Throws `Unrecoverable` for what no replica has written. */
export function tickOf(data: unknown): Tick {
  const { kind, tick, rule } = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>
  const time = typeof tick === 'string' ? Date.parse(tick) : Number.NaN
  if (!isKind(kind) || Number.isNaN(time) || typeof rule !== 'string') {
    throw new Unrecoverable(`No tick of a schedule: ${shown(data)}`)
  }
  return { kind, time, rule }
}
