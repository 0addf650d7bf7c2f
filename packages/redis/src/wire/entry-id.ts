/** Redis keeps each half of an entry's id in 64 bits. */
const maxIdHalf = 2n ** 64n - 1n

/** Returns whether Redis takes a text for the id of an entry. One that it refuses would end the whole script. */
export function isEntryId(text: string): boolean {
  const [, ms, sequence] = /^(\d{1,20})-(\d{1,20})$/.exec(text) ?? []
  return ms !== undefined && sequence !== undefined && BigInt(ms) <= maxIdHalf && BigInt(sequence) <= maxIdHalf
}
