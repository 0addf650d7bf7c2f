import type { GroupState } from './groups.js'

/** Something about a group that somebody should look at, the worst first. */
export interface Trouble {
  /** `plain` is no trouble as far as the broker says, but it does not say enough to call the group fine. */
  readonly kind: 'bad' | 'warn' | 'plain'
  readonly text: string
}

/** A message that has been ready for longer than this is late. */
const lateMs = 60_000

/** Returns whether somebody should look at a group. */
export const needsLook = (group: GroupState): boolean => troublesOf(group).some(({ kind }) => kind !== 'plain')

/** Says what is wrong with a group, as far as its state shows. What is not known is no trouble. */
export function troublesOf({ consumers, stats: { value: stats, problem } }: GroupState): readonly Trouble[] {
  if (problem !== undefined) return [{ kind: 'warn', text: 'not known' }]
  if (stats === undefined) return []
  // A group that does not exist has no counts.
  const counts = [stats.ready, stats.inFlight, stats.delayed, stats.dead]
  if (counts.every((count) => count === undefined)) return [{ kind: 'warn', text: 'not known' }]
  const waits = (stats.ready ?? 0) + (stats.inFlight ?? 0) > 0
  const troubles: Trouble[] = []
  // On RabbitMQ a paused group has no consumer, although its workers are there.
  if (stats.paused !== undefined) troubles.push({ kind: 'warn', text: 'paused' })
  else {
    if (consumers === 0 && waits) troubles.push({ kind: 'bad', text: 'no consumer' })
    if ((stats.oldestReadyMs ?? 0) > lateMs) troubles.push({ kind: 'warn', text: 'late' })
    if (stats.oldestReadyMs === undefined && (stats.ready ?? 0) > 0)
      troubles.push({ kind: 'plain', text: 'waits, age unknown' })
  }
  if ((stats.dead ?? 0) > 0) troubles.push({ kind: 'bad', text: 'dead letters' })
  return troubles
}
