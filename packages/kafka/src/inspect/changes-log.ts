import type { Cluster } from '../driver/cluster.js'
import { readLog, requireReadable } from '../driver/read-log.js'
import { type ChangeNote, changeNoteOf, StandingChanges } from '../topology/change-notes.js'
import { notesLog } from '../topology/group-notes.js'

/** Reads the notes of a group about changes of single messages, as a process that asks for changes or looks. */
export class ChangesLog {
  readonly standing = new StandingChanges()
  readonly #cluster: Cluster
  readonly #dead: string
  #next = 0

  /** `dead` is the topic with the notes of the group. */
  constructor(cluster: Cluster, dead: string) {
    this.#cluster = cluster
    this.#dead = dead
  }

  /** Reads what was stored since it last read. */
  async read(each?: (note: ChangeNote) => void): Promise<void> {
    const log = notesLog(this.#dead)
    await readLog(
      this.#cluster,
      log,
      (record) => {
        requireReadable(log, record)
        this.#next = record.offset + 1
        const note = changeNoteOf(record)
        if (note === undefined) return undefined
        this.standing.take(note)
        each?.(note)
        return undefined
      },
      this.#next,
    )
  }
}

/** Returns the changes that stand in a group. None if the topic of its notes does not exist. */
export async function standingChanges(cluster: Cluster, dead: string): Promise<StandingChanges> {
  const log = new ChangesLog(cluster, dead)
  if ((await cluster.confirmedPartitionsOf(dead)) !== undefined) await log.read()
  return log.standing
}
