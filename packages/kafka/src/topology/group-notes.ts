import { randomUUID } from 'node:crypto'
import type { GroupPause, GroupRef } from '@mq/core/adapter'
import type { Cluster, TopicPartition } from '../driver/cluster.js'
import { readLog, requireReadable } from '../driver/read-log.js'
import type { KafkaRecord } from '../driver/records/record-batch.js'
import type { OutgoingRecord } from '../driver/records/record-writer.js'
import { deadPartition } from './plans.js'

export type StartOffset = TopicPartition & { readonly offset: number }

/**
 * A note of a group about itself: its start offsets, then that these are committed, and later whether it is paused. Unlike offsets,
 * notes never expire. If several processes declare or pause a group at the same time, the first note counts.
 *
 * See docs/decisions/0022-kafka-group-notes.md.
 */
export type GroupNote =
  | ({ readonly kind: 'declared'; readonly offsets: readonly StartOffset[] } & Partial<GroupRef>)
  | { readonly kind: 'committed' }
  | ({ readonly kind: 'paused' } & GroupPause)
  | { readonly kind: 'resumed' }

/** Stores a record in a partition. Rejects if it is not known to be stored. */
export type AppendRecord = (at: TopicPartition, record: OutgoingRecord) => Promise<void>

/** The key of the notes about pauses. Compaction keeps the last of them. */
const pauseKey = 'pause'

/** Returns the log of a group's notes, in its dead-letter topic. */
export const notesLog = (dead: string): TopicPartition => ({ topic: dead, partition: deadPartition.notes })

/** Reads the notes in the dead-letter topic of a group, the oldest first. Rejects if one of them cannot be read. */
export async function readNotes(cluster: Cluster, dead: string): Promise<readonly GroupNote[]> {
  const notes: GroupNote[] = []
  const log = notesLog(dead)
  await readLog(cluster, log, (record) => {
    requireReadable(log, record)
    const note = noteOf(record)
    if (note !== undefined) notes.push(note)
    return undefined
  })
  return notes
}

/** As `readNotes`, but a group whose topic does not exist has no notes. */
export const notesIfAny = async (cluster: Cluster, dead: string): Promise<readonly GroupNote[]> =>
  (await cluster.confirmedPartitionsOf(dead)) === undefined ? [] : await readNotes(cluster, dead)

export async function writeNote(append: AppendRecord, dead: string, note: GroupNote): Promise<void> {
  // Compaction keeps each of the others, because its key is its own.
  const key = note.kind === 'paused' || note.kind === 'resumed' ? pauseKey : randomUUID()
  await append(notesLog(dead), { key, value: Buffer.from(JSON.stringify(note)), headers: [] })
}

/** Returns undefined for a record that is no note, or one of a kind that a later version has added. */
export function noteOf({ value }: KafkaRecord): GroupNote | undefined {
  try {
    const note = JSON.parse(String(value)) as GroupNote | null
    if (note?.kind === 'declared' || note?.kind === 'committed' || note?.kind === 'resumed') return note
    const isMark = note?.kind === 'paused' && Number.isFinite(note.since) && typeof note.by === 'string'
    return isMark ? note : undefined
  } catch {
    return undefined
  }
}

/** Returns the mark that counts after a note: a second pause leaves that of the first one. */
export function markAfter(mark: GroupPause | undefined, note: GroupNote): GroupPause | undefined {
  if (note.kind === 'resumed') return undefined
  return note.kind === 'paused' && mark === undefined ? { since: note.since, by: note.by } : mark
}

/** Returns the mark of a group with these notes. */
export const markOf = (notes: readonly GroupNote[]): GroupPause | undefined =>
  notes.reduce(markAfter, undefined as GroupPause | undefined)
