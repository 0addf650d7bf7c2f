/**
 * How long each partition of a retry topic holds its records back. All records of a partition wait equally long, so the first
 * one is always the next one; a record that has to wait longer goes on to the partition that fits the rest of its time.
 */
export const tiersMs: readonly number[] = [0, ...[0, 1, 2, 3, 4, 5].map((power) => 1_000 * 8 ** power)]

/** The longest delay that is taken. */
export const maxDelayMs = 365 * 24 * 60 * 60 * 1_000

/** What is left when it is so little that the record waits in memory for it, instead of being written again. */
export const heldMs = 1_000

/** The partition for a record that has to wait that long. */
export function tierFor(delayMs: number): number {
  let tier = 0
  while (tier + 1 < tiersMs.length && (tiersMs[tier + 1] as number) <= delayMs) tier += 1
  return tier
}
