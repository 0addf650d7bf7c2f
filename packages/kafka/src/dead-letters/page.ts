import { MqError, type Page, type PageRequest, type RawDeadLetter } from '@mq/core/adapter'
import type { Cluster, TopicPartition } from '../driver/cluster.js'
import { readLog } from '../driver/read-log.js'
import type { KafkaRecord } from '../driver/records/record-batch.js'
import { recordsAt } from '../driver/records-at.js'
import { entryIdOf, struckOutBatch, struckOutBy } from '../wire/letter-key.js'
import { letterOf } from '../wire/unreadable-letter.js'

/** How many letters are watched at a time, until it is known that nothing behind them strikes them out. */
const maxWatched = 10_000
/** How many of these windows without a letter one page passes over. */
const maxWindows = 10
/** A page ends when it holds this much, even below its limit. */
const maxPageBytes = 16 * 1024 * 1024

const format = /^o(\d{1,15})$/

interface Letter {
  readonly offset: number
  readonly bytes: number
}

/** Lists the letters from an offset on. What strikes a letter out stands behind it, so each page reads the rest of the log. */
export async function pageOfLetters(
  cluster: Cluster,
  log: TopicPartition,
  { limit, after }: PageRequest,
): Promise<Page<RawDeadLetter>> {
  let from: number | undefined = after === undefined ? 0 : offsetOf(after)
  if ((await cluster.confirmedPartitionsOf(log.topic)) === undefined) return { items: [] }
  for (let windows = 1; from !== undefined; windows++) {
    const { letters, rest } = await readWindow(cluster, log, from)
    if (letters.length > 0) return await pageOf(cluster, log, { letters, limit, rest })
    if (windows === maxWindows && rest !== undefined) return { items: [], next: `o${rest}` }
    from = rest
  }
  return { items: [] }
}

function offsetOf(after: string): number {
  const [, offset] = format.exec(after) ?? []
  if (offset === undefined) throw new MqError('MQ_INVALID_OPTION', 'after is not the next of a page of this list')
  return Number(offset)
}

/** Returns the first letters from an offset on, and the offset of the first one that is not watched. */
async function readWindow(cluster: Cluster, log: TopicPartition, from: number) {
  const watched = new Map<string, Letter>()
  let rest: number | undefined
  const strikeOut = ({ first, last }: { readonly first: number; readonly last: number }): void => {
    for (const [entryId, { offset }] of watched) if (offset >= first && offset <= last) watched.delete(entryId)
  }
  const read = (record: KafkaRecord): undefined => {
    const batch = struckOutBatch(record)
    if (batch !== undefined) {
      strikeOut(batch)
      return
    }
    const { value, offset } = record
    const entryId = value === undefined ? struckOutBy(record) : entryIdOf(record)
    if (entryId === undefined) return
    // A message that died twice in a crash is one letter. The last record counts, as it does for compaction.
    watched.delete(entryId)
    if (value === undefined) return
    if (rest === undefined && watched.size < maxWatched) {
      watched.set(entryId, { offset, bytes: Math.max(record.bytes, value.byteLength) })
    } else rest ??= offset
  }
  await readLog(cluster, log, read, from)
  return { letters: [...watched.values()], rest }
}

async function pageOf(
  cluster: Cluster,
  log: TopicPartition,
  {
    letters,
    limit,
    rest,
  }: { readonly letters: readonly Letter[]; readonly limit: number; readonly rest: number | undefined },
): Promise<Page<RawDeadLetter>> {
  const shown: Letter[] = []
  let bytes = 0
  for (const letter of letters) {
    if (shown.length === limit || bytes >= maxPageBytes) break
    shown.push(letter)
    bytes += letter.bytes
  }
  const items: RawDeadLetter[] = []
  await recordsAt(
    cluster,
    log,
    shown.map(({ offset }) => offset),
    (record) => void items.push(letterOf(record, log)),
  )
  const next = letters[shown.length]?.offset ?? rest
  return { items, ...(next !== undefined && { next: `o${next}` }) }
}
