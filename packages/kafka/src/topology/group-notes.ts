import { randomUUID } from 'node:crypto'
import type { Cluster, TopicPartition } from '../driver/cluster.js'
import { readLog, requireReadable } from '../driver/read-log.js'
import type { OutgoingRecord } from '../driver/records/record-writer.js'
import { deadPartition } from './plans.js'

export type StartOffset = TopicPartition & { readonly offset: number }

/**
 * A note of a group about itself: its start offsets, then that these are committed. Unlike offsets, notes never expire. If several
 * processes declare a group at the same time, the first note counts.
 *
 * See docs/decisions/0022-kafka-group-notes.md.
 */
export type GroupNote =
  | { readonly kind: 'declared'; readonly offsets: readonly StartOffset[] }
  | { readonly kind: 'committed' }

/** Stores a record in a partition. Rejects if it is not known to be stored. */
export type AppendRecord = (at: TopicPartition, record: OutgoingRecord) => Promise<void>

/** Reads the notes in the dead-letter topic of a group, the oldest first. Rejects if one of them cannot be read. */
export async function readNotes(cluster: Cluster, dead: string): Promise<readonly GroupNote[]> {
  const notes: GroupNote[] = []
  const log = { topic: dead, partition: deadPartition.notes }
  await readLog(cluster, log, (record) => {
    requireReadable(log, record)
    const note = parsed(record.value)
    if (note !== undefined) notes.push(note)
    return undefined
  })
  return notes
}

export async function writeNote(append: AppendRecord, dead: string, note: GroupNote): Promise<void> {
  // Each note has its own key, so that compaction keeps it.
  const record = { key: randomUUID(), value: Buffer.from(JSON.stringify(note)), headers: [] }
  await append({ topic: dead, partition: deadPartition.notes }, record)
}

function parsed(value: Buffer | undefined): GroupNote | undefined {
  try {
    const note = JSON.parse(String(value)) as Partial<GroupNote> | null
    return note?.kind === 'declared' || note?.kind === 'committed' ? (note as GroupNote) : undefined
  } catch {
    return undefined
  }
}
