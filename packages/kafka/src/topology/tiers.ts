// The waiting times of a retry topic. See docs/decisions/0021-kafka-delays-by-partitions.md.

/**
 * How long each partition of a retry topic holds its records back. All records of a partition wait equally long, so the first one
 * is always the next one. A record that has to wait longer goes on to the partition that fits the rest of its time.
 */
export const tiersMs: readonly number[] = [0, ...[0, 1, 2, 3, 4, 5].map((power) => 1_000 * 8 ** power)]

/** The longest delay that is accepted. */
export const maxDelayMs = 365 * 24 * 60 * 60 * 1_000

/** A record with no more than this left waits in memory, instead of being written again. */
export const heldMs = 1_000

/** Returns the partition for a record that has to wait that long. */
export function tierFor(delayMs: number): number {
  let tier = 0
  while (tier + 1 < tiersMs.length && (tiersMs[tier + 1] as number) <= delayMs) tier += 1
  return tier
}
