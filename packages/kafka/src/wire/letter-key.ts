import { createHash } from 'node:crypto'
import type { KafkaRecord } from '../driver/records/record-batch.js'
import type { OutgoingRecord } from '../driver/records/record-writer.js'
import type { Range } from './progress.js'

// A dead letter is known by the key of its record. Ours are their own ids. Another program may have chosen any bytes, or none.

type Keyed = Pick<KafkaRecord, 'key' | 'offset' | 'unreadable'>

const noBytes = Buffer.alloc(0)

/** The header of a record that strikes out a dead letter without a key: its offset. */
const strikesHeader = 'mq-strikes'

/** A longer key is named by its digest, so that every id is short. */
const maxHexBytes = 100
const [offsetPrefix, hexPrefix, digestPrefix, batchPrefix] = ['~offset.', '~hex.', '~sha256.', '~batch.'] as const
const batchId = /^~batch\.(\d{1,16})-(\d{1,16})$/
/** Ids of 1 to 200 characters that can be shown as they are. Those of other keys begin with a tilde. */
const plain = /^(?!~)[^\p{C}\p{Zl}\p{Zp}]{1,200}$/u

/** Returns the id of a dead letter. No two keys have the same. */
export function entryIdOf({ key, offset, unreadable }: Keyed): string {
  if (unreadable !== undefined) return `${batchPrefix}${offset}-${unreadable.lastOffset}`
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

/** Returns the offsets of an unreadable batch that a record strikes out, and with it the dead letters in it. */
export function struckOutBatch({ key, value }: KafkaRecord): Range | undefined {
  if (key === undefined || value?.byteLength !== 0) return undefined
  const found = batchId.exec(key.toString())
  return found === null ? undefined : { first: Number(found[1]), last: Number(found[2]) }
}

/** The id does not tell the key. */
export const hasLongKey = (entryId: string): boolean => entryId.startsWith(digestPrefix)

/** Makes the record that strikes out a dead letter. `key` is needed only for a long one. */
export function strikeOutOf(entryId: string, key?: Buffer): OutgoingRecord {
  const strike = { key: key ?? entryId, value: null, headers: [] }
  // Compaction keeps an unreadable batch, because it can read its keys. It has to keep this record too, so that has a value.
  if (entryId.startsWith(batchPrefix)) return { ...strike, value: noBytes }
  if (entryId.startsWith(hexPrefix)) return { ...strike, key: Buffer.from(entryId.slice(hexPrefix.length), 'hex') }
  if (!entryId.startsWith(offsetPrefix)) return strike
  // A compacted topic takes no record without a key.
  return { ...strike, headers: [{ name: strikesHeader, value: entryId.slice(offsetPrefix.length) }] }
}
