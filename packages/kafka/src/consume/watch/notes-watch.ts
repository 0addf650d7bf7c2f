import type { GroupPause } from '@mq/core/adapter'
import type { Cluster } from '../../driver/cluster.js'
import { readLog, requireReadable } from '../../driver/read-log.js'
import type { Reader } from '../../driver/reading/reader.js'
import type { Reading } from '../../driver/reading/reading.js'
import type { KafkaRecord } from '../../driver/records/record-batch.js'
import { changeNoteOf, StandingChanges } from '../../topology/change-notes.js'
import { watchDeleted } from '../../topology/deleted-topics.js'
import { markAfter, noteOf, notesLog } from '../../topology/group-notes.js'
import type { Topology } from '../../topology/topology.js'
import type { Hold } from '../handlers.js'

export interface NotesWatchOptions {
  /** The topic with the notes of the group. */
  readonly dead: string
  readonly cluster: Cluster
  readonly topology: Topology
  readonly reading: Reading
  /** Called when the group may start messages again. */
  readonly onResumed: () => void
  /** Called when there may be another change of single messages to carry out. */
  readonly onChanges: () => void
  readonly onFailing: (error: unknown) => void
}

/**
 * Follows the notes of a group: knows whether it is paused, and which changes of single messages somebody has asked for. The notes are one
 * more partition in a request that is made anyway, so a note is known at once and costs nothing until then.
 */
export class NotesWatch {
  /** The changes that stand. */
  readonly changes = new StandingChanges()
  readonly #options: NotesWatchOptions
  readonly #reader: Reader
  readonly #hold = { isOn: true }
  /** The offset behind the last note that was read. */
  #next = 0
  #mark: GroupPause | undefined
  #isStopped = false

  constructor(options: NotesWatchOptions) {
    this.#options = options
    const { dead, cluster, reading } = options
    this.#reader = reading.open({
      kindOf: () => 'waiting',
      sink: { take: ({ records }) => this.#take(records) },
      listener: {
        gap: (_, { position, start }) => {
          // The notes that were read are no part of the log that is there now.
          if (start < position) this.#forget()
        },
        replaced: () => {
          this.#forget()
          this.#reader.add(notesLog(dead), 0)
        },
        missing: watchDeleted(cluster, () => this.#recreate()),
        missingCodec() {},
        failing: options.onFailing,
      },
    })
  }

  /** Resolves once the notes are read. */
  async start(): Promise<void> {
    await this.#readOn()
    this.#reader.add(notesLog(this.#options.dead), this.#next)
    this.#apply()
  }

  /**
   * Resolves once all notes are read that are stored by now. A new owner of a partition calls it before it starts anything, so that it
   * obeys what was asked for while the group had no consumer.
   */
  async catchUp(): Promise<void> {
    const { cluster, dead } = this.#options
    if ((await cluster.confirmedPartitionsOf(dead)) === undefined) return
    await this.#readOn()
    this.#apply()
  }

  /** The mark of the group, if it is paused. */
  get mark(): GroupPause | undefined {
    return this.#mark
  }

  /** On while nothing may start: the group is paused, or that is not known yet. */
  get hold(): Hold {
    return this.#hold
  }

  get isFailing(): boolean {
    return this.#reader.isFailing
  }

  stop(): void {
    this.#isStopped = true
    this.#reader.stop()
  }

  async #readOn(): Promise<void> {
    const log = notesLog(this.#options.dead)
    const read = (record: KafkaRecord): undefined => {
      requireReadable(log, record)
      this.#read(record)
    }
    await readLog(this.#options.cluster, log, read, this.#next)
  }

  /** Somebody has deleted the topic. The dead letters that the group will have need it, too. */
  #recreate(): void {
    const { dead, topology } = this.#options
    if (this.#isStopped) return
    this.#forget()
    topology.forget(dead)
    topology.ensure(dead).catch(() => {})
  }

  #take(records: readonly KafkaRecord[]): void {
    for (const record of records) this.#read(record)
    this.#apply()
  }

  #read(record: KafkaRecord): void {
    if (record.offset < this.#next) return
    this.#next = record.offset + 1
    const change = changeNoteOf(record)
    if (change !== undefined) this.changes.take(change)
    const note = noteOf(record)
    if (note !== undefined) this.#mark = markAfter(this.#mark, note)
  }

  #forget(): void {
    this.#next = 0
    this.#mark = undefined
    this.changes.clear()
    this.#apply()
  }

  #apply(): void {
    const wasOn = this.#hold.isOn
    this.#hold.isOn = this.#mark !== undefined
    if (wasOn && !this.#hold.isOn) this.#options.onResumed()
    if (this.changes.requests.length > 0) this.#options.onChanges()
  }
}
