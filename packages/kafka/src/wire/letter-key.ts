import { createHash } from 'node:crypto'
import type { KafkaRecord } from '../driver/records/record-batch.js'
import type { OutgoingRecord } from '../driver/records/record-writer.js'

// A dead letter is known by the key of its record. Ours are their own ids. Another program may have chosen any bytes, or none.

type Keyed = Pick<KafkaRecord, 'key' | 'offset'>

/** The header of a record that strikes out a dead letter without a key: its offset. */
const strikesHeader = 'mq-strikes'

/** A longer key is named by its digest, so that every id is short. */
const maxHexBytes = 100
const [offsetPrefix, hexPrefix, digestPrefix] = ['~offset.', '~hex.', '~sha256.'] as const
/** Ids of 1 to 200 characters that can be shown as they are. Those of other keys begin with a tilde. */
const plain = /^(?!~)[^\p{C}\p{Zl}\p{Zp}]{1,200}$/u

/** Returns the id of a dead letter. No two keys have the same. */
export function entryIdOf({ key, offset }: Keyed): string {
  if (key === undefined) return `${offsetPrefix}${offset}`
  const text = key.toString()
  if (plain.test(text) && Buffer.from(text).equals(key)) return text
  if (key.length <= maxHexBytes) return `${hexPrefix}${key.toString('hex')}`
  return `${digestPrefix}${createHash('sha256').update(key).digest('hex')}`
}

/** Returns the id of the dead letter that a record without a value strikes out. */
export function struckOutBy({ key, offset, headers }: KafkaRecord): string | undefined {
  const strikes = headers.find(({ name }) => name === strikesHeader)
  if (strikes !== undefined) return `${offsetPrefix}${strikes.value}`
  return key === undefined ? undefined : entryIdOf({ key, offset })
}

/** The id does not tell the key. */
export const hasLongKey = (entryId: string): boolean => entryId.startsWith(digestPrefix)

/** Makes the record that strikes out a dead letter. `key` is needed only for a long one. */
export function strikeOutOf(entryId: string, key?: Buffer): OutgoingRecord {
  const strike = { key: key ?? entryId, value: null, headers: [] }
  if (entryId.startsWith(hexPrefix)) return { ...strike, key: Buffer.from(entryId.slice(hexPrefix.length), 'hex') }
  if (!entryId.startsWith(offsetPrefix)) return strike
  // A compacted topic takes no record without a key.
  return { ...strike, headers: [{ name: strikesHeader, value: entryId.slice(offsetPrefix.length) }] }
}
