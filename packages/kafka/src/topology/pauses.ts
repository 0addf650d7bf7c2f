import { type GroupPause, MqError, type TargetRef } from '@mq/core/adapter'
import { type AppendRecord, type GroupNote, markOf, writeNote } from './group-notes.js'
import { planGroup, type Topology } from './topology.js'

export interface PausesContext {
  readonly topology: Topology
  /** Returns the notes in a dead-letter topic. None if there is no such topic. */
  readonly notesOf: (dead: string) => Promise<readonly GroupNote[]>
  readonly append: AppendRecord
}

/** Stores and removes the marks of groups that are paused, among their notes. See docs/decisions/0027-kafka-looking-and-pausing.md. */
export function createPauses({ topology, notesOf, append }: PausesContext) {
  return {
    async pause(ref: TargetRef, mark: GroupPause): Promise<void> {
      const { dead } = planGroup(topology, ref)
      const notes = await notesOf(dead)
      if (notes.length === 0) {
        throw new MqError('MQ_GROUP_MISSING', `The topic '${ref.topic}' has no group '${ref.group}'`)
      }
      if (markOf(notes) !== undefined) return
      await writeNote(append, dead, { kind: 'paused', ...mark })
      const stored = await notesOf(dead)
      const counts = markOf(stored)
      const last = stored.findLast(({ kind }) => kind === 'paused' || kind === 'resumed')
      // Somebody else has paused it at the same time. Compaction keeps the last mark, and so that has to be the one that counts.
      if (counts !== undefined && last?.kind === 'paused' && !isSame(last, counts)) {
        await writeNote(append, dead, { kind: 'paused', ...counts })
      }
    },
    async resume(ref: TargetRef): Promise<void> {
      const { dead } = planGroup(topology, ref)
      if (markOf(await notesOf(dead)) !== undefined) await writeNote(append, dead, { kind: 'resumed' })
    },
    /** Returns the mark of a group, or undefined if it is not paused. */
    async markOf(ref: TargetRef): Promise<GroupPause | undefined> {
      return markOf(await notesOf(planGroup(topology, ref).dead))
    },
  }
}

const isSame = (one: GroupPause, other: GroupPause): boolean => one.since === other.since && one.by === other.by
