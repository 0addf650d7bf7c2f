import { MqError, type TargetRef } from '@mq/core/adapter'
import { type Cluster, nameOf } from '../driver/cluster.js'
import { LogScan, type ScanPart } from '../driver/log-scan.js'
import type { KafkaRecord } from '../driver/records/record-batch.js'
import { recordsAt } from '../driver/records-at.js'
import { decodePlace, encodePlace, type MessagePlace, originOf } from '../wire/message-place.js'
import { outside, SkippedRanges } from '../wire/progress.js'
import { decodeRecord } from '../wire/record.js'
import type { OpenPart } from './open-parts.js'

/** The place where the message of an entry is now. */
export interface Found {
  readonly entryId: string
  readonly part: OpenPart
  readonly offset: number
  /** True if it waits for its time. */
  readonly isHeldBack: boolean
}

export interface LocateOptions {
  readonly ref: TargetRef
  readonly parts: readonly OpenPart[]
  readonly cluster: Cluster
}

/** How much is read in search of messages that have gone on to other partitions. */
const searchLimits = { maxPartitionBytes: 1024 * 1024, maxBytes: 256 * 1024 * 1024, maxRecords: 1_000_000 }

/** Finds the messages of entries that are open at the places that their names say. */
export async function locate(entryIds: readonly string[], options: LocateOptions): Promise<readonly Found[]> {
  const { cluster, parts } = options
  const found: Found[] = []
  const wanted = new Set(entryIds)
  const places = entryIds.map(decodePlace)
  for (const part of parts) {
    const isHere = (place: MessagePlace | undefined): place is MessagePlace =>
      place?.kind === part.kind && place.partition === part.partition
    const offsets = places.filter(isHere).map(({ offset }) => offset)
    await recordsAt(cluster, part, openOf(part, offsets), (record) => {
      const entryId = encodePlace({ ...part, offset: record.offset, timestampMs: record.timestampMs })
      if (wanted.has(entryId)) found.push(foundOf(entryId, { record, part }, options))
    })
  }
  return found
}

/**
 * Finds the messages of entries that have gone on to another partition, which keep their names. A crash may have left two of one. Rejects
 * with `MQ_OPERATION_FAILED` if too much waits to find them.
 */
export async function follow(entryIds: readonly string[], options: LocateOptions): Promise<readonly Found[]> {
  // New messages are handled where they are.
  const wanted = new Set(entryIds.filter((entryId) => decodePlace(entryId)?.kind !== 'main'))
  const parts = options.parts.filter(({ kind, from, end }) => kind === 'retry' && from < end)
  if (wanted.size === 0 || parts.length === 0) return []
  const found: Found[] = []
  const done = new Map(parts.map((part) => [nameOf(part), new SkippedRanges(part.progress.done)]))
  const scan = new LogScan(options.cluster, parts, searchLimits)
  const isOpen = ({ hasEnded }: ScanPart): boolean => !hasEnded
  while (scan.parts.some(isOpen)) {
    if (!(await scan.fill())) {
      const what = `a message has gone on to one of the partitions where over ${searchLimits.maxRecords} records wait`
      throw new MqError('MQ_OPERATION_FAILED', `${what}, or ${searchLimits.maxBytes / 1024 / 1024} MiB of them`)
    }
    scan.parts.forEach((read, index) => {
      for (let record = read.shift(); record !== undefined; record = read.shift()) {
        const entryId = originOf(record)
        const part = parts[index] as OpenPart
        if (entryId === undefined || !wanted.has(entryId) || done.get(nameOf(part))?.includes(record.offset)) continue
        found.push(foundOf(entryId, { record, part }, options))
      }
    })
  }
  return found
}

/** Returns those of the offsets that a group has not finished. */
export const openOf = ({ from, end, progress }: OpenPart, offsets: readonly number[]): readonly number[] =>
  outside(progress.done, offsets).filter((offset) => offset >= from && offset < end)

function foundOf(
  entryId: string,
  { record, part }: { readonly record: KafkaRecord; readonly part: OpenPart },
  { ref }: LocateOptions,
): Found {
  const { topic, partition, kind } = part
  const { dueMs } = decodeRecord(record, { topic, partition, name: ref.topic })
  return { entryId, part, offset: record.offset, isHeldBack: kind !== 'main' && dueMs > Date.now() }
}
