import { type GroupPause, type StoredStats, type TargetRef, unknownStats } from '@mq/core/adapter'
import type { DeadSummary } from '../dead-letters/store.js'
import { type InspectContext, type OpenPart, openParts } from './open-parts.js'
import { ReadyScan } from './ready-scan.js'

export interface StatsContext extends InspectContext {
  readonly summarizeDead: () => Promise<DeadSummary>
  readonly markOf: (ref: TargetRef) => Promise<GroupPause | undefined>
}

/** The limits of looking for the oldest ready message, whose partitions may begin with many that are finished or running. */
const oldestLimits = { maxPartitionBytes: 64 * 1024, maxBytes: 32 * 1024 * 1024, maxRecords: 50_000, maxPasses: 2_000 }
/** The limits of looking for messages that are due and that no consumer has taken. */
const dueLimits = { maxBytes: 16 * 1024 * 1024, maxRecords: 10_000, maxPasses: 10_000 }

/** Reads the statistics of a group: from offsets, and from the first records that are open. See docs/decisions/0027-kafka-looking-and-pausing.md. */
export async function statsOf(ref: TargetRef, context: StatsContext): Promise<StoredStats> {
  const { dead, oldestAt } = await context.summarizeDead()
  const parts = await openParts(ref, context)
  if (parts === undefined) return dead === 0 ? unknownStats : { ...unknownStats, dead, oldestDeadMs: ageOf(oldestAt) }
  const [ready, held] = [parts.filter(({ isReady }) => isReady), parts.filter(({ isReady }) => !isReady)]
  const due = await dueOf(ref, held, context)
  const oldest = await oldestOf(ref, ready, context)
  const waiting = sum(ready, 'waiting') + due.count
  const since = Math.min(oldest ?? Number.POSITIVE_INFINITY, due.oldest ?? Number.POSITIVE_INFINITY)
  return {
    ready: waiting,
    inFlight: sum(parts, 'running'),
    // Copies of delayed messages wait among the retries, so both are one number.
    delayed: Math.max(0, sum(held, 'waiting') - due.count),
    dead,
    oldestReadyMs: since === Number.POSITIVE_INFINITY ? (waiting === 0 ? 0 : undefined) : ageOf(since),
    oldestDeadMs: ageOf(oldestAt),
    paused: await context.markOf(ref),
  }
}

const sum = (parts: readonly OpenPart[], count: 'waiting' | 'running'): number =>
  parts.reduce((total, part) => total + part[count], 0)

const ageOf = (since: number | undefined): number => (since === undefined ? 0 : Math.max(0, Date.now() - since))

async function oldestOf(
  ref: TargetRef,
  parts: readonly OpenPart[],
  { cluster }: InspectContext,
): Promise<number | undefined> {
  const scan = new ReadyScan(cluster, parts, { ...oldestLimits, name: ref.topic })
  return (await scan.next())?.readyMs
}

/** Counts the messages that are due although they still wait among others, because no consumer has passed them on. */
async function dueOf(ref: TargetRef, parts: readonly OpenPart[], { cluster }: InspectContext) {
  const scan = new ReadyScan(cluster, parts, { ...dueLimits, name: ref.topic })
  let count = 0
  let oldest: number | undefined
  for (let one = await scan.next(); one !== undefined; one = await scan.next()) {
    count += 1
    oldest = Math.min(one.readyMs, oldest ?? one.readyMs)
  }
  return { count, oldest }
}
