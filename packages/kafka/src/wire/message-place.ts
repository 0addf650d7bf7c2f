import type { KafkaRecord } from '../driver/records/record-batch.js'
import type { TopicKind } from '../topology/plans.js'

/** The letter of each kind of topic, in cursors and in the names of entries. */
export const kindLetters: Readonly<Record<TopicKind, string>> = { main: 'm', delay: 'd', retry: 'r' }

/** The place of a message that waits in a group. */
export interface MessagePlace {
  readonly kind: TopicKind
  readonly partition: number
  readonly offset: number
  /** Tells the record from one of another topic of the same name. */
  readonly timestampMs: number
}

/** The header with the place where a message was, before it went on to the partition that fits the rest of its time. */
export const originHeader = 'mq-entry'

/** Makes the name of an entry. */
export const encodePlace = ({ kind, partition, offset, timestampMs }: MessagePlace): string =>
  `${kindLetters[kind]}${partition}-${offset}-${timestampMs.toString(36)}`

const format = /^([mdr])(\d{1,9})-(\d{1,15})-([0-9a-z]{1,11})$/
const kinds: readonly TopicKind[] = ['main', 'delay', 'retry']

/** Returns undefined for a text that names no entry. */
export function decodePlace(text: string): MessagePlace | undefined {
  const [, letter, partition, offset, timestamp] = format.exec(text) ?? []
  const kind = kinds.find((one) => kindLetters[one] === letter)
  if (kind === undefined || timestamp === undefined) return undefined
  const timestampMs = Number.parseInt(timestamp, 36)
  return { kind, partition: Number(partition), offset: Number(offset), timestampMs }
}

/** Returns the name that the entry of a message has had since it waits. Only the group itself writes such copies. */
export function waitingIdOf(at: { readonly kind: TopicKind; readonly partition: number }, record: KafkaRecord): string {
  const origin = at.kind === 'retry' ? originOf(record) : undefined
  return origin ?? encodePlace({ ...at, offset: record.offset, timestampMs: record.timestampMs })
}

/** Returns the name of the entry whose copy a record is. */
export const originOf = ({ headers }: KafkaRecord): string | undefined =>
  headers.find(({ name }) => name === originHeader)?.value
