import type { DeadLetterStore, Failure, GroupRef, RawDeadLetter } from '@mq/core/adapter'
import type { Cluster } from './driver/cluster.js'
import { asMqError } from './driver/errors.js'
import { readLog } from './driver/read-log.js'
import type { KafkaRecord } from './driver/record-batch.js'
import type { OutgoingRecord } from './driver/record-writer.js'
import type { Outbox } from './publish/outbox.js'
import { tierFor } from './topology/tiers.js'
import { deadPartition, type Topology } from './topology/topology.js'
import { decodeRecord } from './wire/decode.js'
import { encodeRecord } from './wire/encode.js'

export interface DeadLettersContext {
  readonly cluster: Cluster
  readonly topology: Topology
  readonly outbox: Outbox
}

/** How much is read, sent and struck out at a time. */
const chunk = { entries: 200, bytes: 8 * 1024 * 1024 }
const sendTimeoutMs = 15_000

/**
 * A group's dead letters: a log in which each entry is a record under its own key, until a record without a value under that
 * key strikes it out. Compaction removes both in time.
 */
export function createDeadLetters({ cluster, topology, outbox }: DeadLettersContext, ref: GroupRef) {
  const topic = topology.topicsOf.dead(ref)
  const retryTopic = topology.topicsOf.retry(ref)
  const log = { topic, partition: deadPartition.letters }

  /** How many bytes each entry has that is there, the oldest first. */
  async function entries(): Promise<ReadonlyMap<string, number>> {
    const live = new Map<string, number>()
    if ((await cluster.surePartitionsOf(topic)) === undefined) return live
    await readLog(cluster, log, ({ key, value }) => {
      const entryId = String(key)
      if (value === undefined) live.delete(entryId)
      else if (!live.has(entryId)) live.set(entryId, value.byteLength)
      return undefined
    })
    return live
  }

  async function read(wanted: ReadonlySet<string>): Promise<readonly KafkaRecord[]> {
    const records: KafkaRecord[] = []
    const found = new Set<string>()
    await readLog(cluster, log, (record) => {
      const entryId = String(record.key)
      if (record.value !== undefined && wanted.has(entryId) && !found.has(entryId)) {
        found.add(entryId)
        records.push(record)
      }
      return found.size < wanted.size
    })
    return records
  }

  async function write(
    target: { readonly topic: string; readonly partition: number },
    records: readonly OutgoingRecord[],
  ) {
    const { partition } = target
    const outcomes = await outbox.send(target.topic, records, { timeoutMs: sendTimeoutMs, partition })
    const failed = outcomes.find(({ status }) => status !== 'stored')
    if (failed !== undefined) throw asMqError(failed.error?.cause ?? failed.error, 'The dead letters cannot be changed')
  }

  const strikeOut = (entryIds: readonly string[]): Promise<void> =>
    write(
      log,
      entryIds.map((key) => ({ key, value: null, headers: [] })),
    )

  /** Does something with entries, some at a time, then strikes them out. */
  async function take(
    entryIds: readonly string[] | undefined,
    use?: (records: readonly KafkaRecord[]) => Promise<void>,
  ): Promise<number> {
    const live = await entries()
    const wanted = entryIds === undefined ? [...live.keys()] : [...new Set(entryIds)].filter((id) => live.has(id))
    for (const ids of chunked(wanted, live)) {
      if (use !== undefined) await use(await read(new Set(ids)))
      await strikeOut(ids)
    }
    return wanted.length
  }

  const store: DeadLetterStore = {
    async list({ limit }) {
      const live = await entries()
      const wanted = new Set([...live.keys()].slice(0, limit))
      return wanted.size === 0 ? [] : (await read(wanted)).map((record) => letterOf(record, log))
    },
    replay: (entryIds) =>
      take(entryIds, (records) =>
        write(
          { topic: retryTopic, partition: tierFor(0) },
          records.map((record) => encodeRecord(decodeRecord(record, { ...log, keyed: false }).message)),
        ),
      ),
    purge: (entryIds) => take(entryIds),
  }
  return { store, count: async (): Promise<number> => (await entries()).size }
}

function chunked(entryIds: readonly string[], bytes: ReadonlyMap<string, number>): string[][] {
  const chunks: string[][] = []
  let room = 0
  for (const entryId of entryIds) {
    const last = chunks.at(-1)
    const size = bytes.get(entryId) ?? 0
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

function letterOf(record: KafkaRecord, log: { readonly topic: string; readonly partition: number }): RawDeadLetter {
  const { message, failure } = decodeRecord(record, { ...log, keyed: false })
  return { entryId: String(record.key), message, failure: failure ?? unknownFailure(record) }
}

const unknownFailure = ({ timestampMs }: KafkaRecord): Failure => ({
  reason: 'broker',
  error: { name: 'Error', message: 'The record does not say why it is here' },
  attempts: 0,
  firstFailedAt: timestampMs,
  failedAt: timestampMs,
})
