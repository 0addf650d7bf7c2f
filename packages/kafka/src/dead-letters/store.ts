import { type AdapterEvent, type DeadLetterStore, type GroupRef, MqError } from '@mq/core/adapter'
import type { Cluster, TopicPartition } from '../driver/cluster.js'
import { asMqError } from '../driver/errors.js'
import { readLog, requireReadable } from '../driver/read-log.js'
import { isCodecMissing, type KafkaRecord } from '../driver/records/record-batch.js'
import type { OutgoingRecord } from '../driver/records/record-writer.js'
import type { Outbox } from '../publish/outbox.js'
import { deadPartition } from '../topology/plans.js'
import { tierFor } from '../topology/tiers.js'
import type { Topology } from '../topology/topology.js'
import { entryIdOf, hasLongKey, strikeOutOf, struckOutBatch, struckOutBy } from '../wire/letter-key.js'
import { decodeRecord } from '../wire/record.js'
import { recordsToReplay } from '../wire/replay.js'
import { letterOf } from '../wire/unreadable-letter.js'
import { pageOfLetters } from './page.js'

export interface DeadLettersContext {
  readonly cluster: Cluster
  readonly topology: Topology
  readonly outbox: Outbox
  readonly report: (event: AdapterEvent) => void
}

/** A dead letter that is not struck out. */
interface LiveLetter {
  readonly offset: number
  readonly bytes: number
  readonly timestampMs: number
  /** It is a batch that could be read with a codec. */
  readonly isCodecMissing: boolean
}

export interface DeadSummary {
  readonly dead: number
  /** When the oldest one failed. Milliseconds since 1970. */
  readonly oldestAt: number | undefined
}

/** The key of records that say nothing. They show whether records that are written now can be read. */
const probeKey = '~probe'

/** A list ends when it holds this much, even below its limit. */
const maxListBytes = 64 * 1024 * 1024

/** The number and size of entries that are read, sent and struck out at a time. */
const chunk = { entries: 200, bytes: 8 * 1024 * 1024 }

/**
 * Creates the store of a group's dead letters. It is a log: each entry is a record under its own key, until a record without a value
 * under that key strikes it out. Compaction removes both in time. A batch that cannot be read is one entry, and keeps no other one from
 * being listed.
 */
export function createDeadLetters(context: DeadLettersContext, ref: GroupRef) {
  const { cluster, topology, outbox, report } = context
  const topic = topology.plan.dead(ref)
  const retryTopic = topology.plan.retry(ref)
  const log: TopicPartition = { topic, partition: deadPartition.letters }

  /** Returns the entries that are not struck out, the oldest first. */
  async function liveLetters(): Promise<ReadonlyMap<string, LiveLetter>> {
    const live = new Map<string, LiveLetter>()
    if ((await cluster.confirmedPartitionsOf(topic)) === undefined) return live
    await readLog(cluster, log, (record) => {
      const batch = struckOutBatch(record)
      if (batch !== undefined) {
        for (const [entryId, { offset }] of live)
          if (offset >= batch.first && offset <= batch.last) live.delete(entryId)
      } else if (record.value === undefined) {
        const struckOut = struckOutBy(record)
        if (struckOut !== undefined) live.delete(struckOut)
      } else {
        const { value, offset, timestampMs } = record
        const entryId = entryIdOf(record)
        const bytes = Math.max(record.bytes, value.byteLength)
        if (!live.has(entryId))
          live.set(entryId, { offset, bytes, timestampMs, isCodecMissing: isCodecMissing(record) })
      }
      return undefined
    })
    return live
  }

  /** Rejects if a record that is written now could not be read. What is struck out would come back. */
  async function requireReadBack(): Promise<void> {
    await append(log, [{ key: probeKey, value: null, headers: [] }])
    let last: KafkaRecord | undefined
    await readLog(cluster, log, (record) => {
      last = record
      return undefined
    })
    if (last !== undefined) requireReadable(log, last)
  }

  async function read(wanted: ReadonlySet<string>): Promise<readonly KafkaRecord[]> {
    const records: KafkaRecord[] = []
    const found = new Set<string>()
    await readLog(cluster, log, (record) => {
      const entryId = entryIdOf(record)
      if (record.value !== undefined && wanted.has(entryId) && !found.has(entryId)) {
        found.add(entryId)
        records.push(record)
      }
      return found.size < wanted.size
    })
    return records
  }

  const append = (at: TopicPartition, records: readonly OutgoingRecord[]): Promise<void> =>
    outbox.append(at, records).catch((error) => {
      throw asMqError(error.cause ?? error, 'The dead letters cannot be changed')
    })

  async function strikeOut(entryIds: readonly string[]): Promise<void> {
    const long = entryIds.filter(hasLongKey)
    const records = long.length === 0 ? [] : await read(new Set(long))
    const keys = new Map(records.map((record) => [entryIdOf(record), record.key]))
    await append(
      log,
      entryIds.map((entryId) => strikeOutOf(entryId, keys.get(entryId))),
    )
  }

  /** Calls `use` with entries, some at a time, and then strikes them out. Returns how many there were. */
  async function take(
    entryIds: readonly string[] | undefined,
    use: (ids: readonly string[]) => Promise<readonly string[]>,
  ): Promise<number> {
    const live = await liveLetters()
    const wanted = entryIds === undefined ? [...live.keys()] : [...new Set(entryIds)].filter((id) => live.has(id))
    if (wanted.length > 0 && [...live.values()].some((letter) => letter.isCodecMissing)) await requireReadBack()
    let count = 0
    for (const ids of chunked(wanted, live)) {
      const used = await use(ids)
      if (used.length > 0) await strikeOut(used)
      count += used.length
    }
    return count
  }

  /** Replays all that can be, and then rejects if some of them cannot. */
  async function replay(entryIds: readonly string[] | undefined): Promise<number> {
    const left: unknown[] = []
    const count = await take(entryIds, async (ids) => {
      const used: string[] = []
      const replayed: OutgoingRecord[] = []
      for (const record of await read(new Set(ids))) {
        try {
          requireReadable(log, record)
          replayed.push(...(await recordsToReplay(decodeRecord(record, { ...log, isLetter: true }))))
          used.push(entryIdOf(record))
        } catch (error) {
          left.push(error)
        }
      }
      if (replayed.length > 0) await append({ topic: retryTopic, partition: tierFor(0) }, replayed)
      return used
    })
    if (left.length === 0) return count
    const text = `${left.length} of the dead letters cannot be replayed, and ${count} were: ${(left[0] as Error).message}`
    throw new MqError('MQ_OPERATION_FAILED', text, { cause: left[0] })
  }

  /** A list that has fewer entries than it could have says so. */
  function reportPart(listed: number, wanted: number): void {
    const what = `The list of dead letters of '${ref.topic}' in group '${ref.group}' has ${listed} of ${wanted} entries`
    const why = `a list ends at ${maxListBytes / 1024 / 1024} MiB. Replay or purge those to see the next ones`
    report({ type: 'error', error: new MqError('MQ_OPERATION_FAILED', `${what}: ${why}`), ...ref })
  }

  const store: Required<DeadLetterStore> = {
    async list({ limit }) {
      const live = [...(await liveLetters())].slice(0, limit)
      const wanted = firstOf(live)
      if (wanted.size < live.length) reportPart(wanted.size, live.length)
      return wanted.size === 0 ? [] : (await read(wanted)).map((record) => letterOf(record, log))
    },
    page: (request) => pageOfLetters(cluster, log, request),
    replay,
    purge: (entryIds) => take(entryIds, async (ids) => ids),
  }
  return {
    store,
    async summarize(): Promise<DeadSummary> {
      const live = [...(await liveLetters()).values()]
      const oldestAt = live.reduce((oldest, { timestampMs }) => Math.min(oldest, timestampMs), Number.POSITIVE_INFINITY)
      return { dead: live.length, oldestAt: live.length === 0 ? undefined : oldestAt }
    },
  }
}

/** Returns the entries that a list has room for, the oldest first. */
function firstOf(live: readonly (readonly [entryId: string, letter: LiveLetter])[]): ReadonlySet<string> {
  const wanted = new Set<string>()
  let bytes = 0
  for (const [entryId, letter] of live) {
    if (bytes >= maxListBytes) break
    wanted.add(entryId)
    bytes += letter.bytes
  }
  return wanted
}

function chunked(entryIds: readonly string[], live: ReadonlyMap<string, LiveLetter>): string[][] {
  const chunks: string[][] = []
  let room = 0
  for (const entryId of entryIds) {
    const last = chunks.at(-1)
    const size = live.get(entryId)?.bytes ?? 0
    if (last !== undefined && last.length < chunk.entries && size <= room) {
      last.push(entryId)
      room -= size
    } else {
      chunks.push([entryId])
      room = chunk.bytes - size
    }
  }
  return chunks
}
