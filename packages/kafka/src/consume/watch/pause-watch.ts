import type { GroupPause } from '@mq/core/adapter'
import type { Cluster } from '../../driver/cluster.js'
import { readLog, requireReadable } from '../../driver/read-log.js'
import type { Reader } from '../../driver/reading/reader.js'
import type { Reading } from '../../driver/reading/reading.js'
import type { KafkaRecord } from '../../driver/records/record-batch.js'
import { watchDeleted } from '../../topology/deleted-topics.js'
import { markAfter, noteOf, notesLog } from '../../topology/group-notes.js'
import type { Topology } from '../../topology/topology.js'
import type { Hold } from '../handlers.js'

export interface PauseWatchOptions {
  /** The topic with the notes of the group. */
  readonly dead: string
  readonly cluster: Cluster
  readonly topology: Topology
  readonly reading: Reading
  /** Called when the group may start messages again. */
  readonly onResumed: () => void
  readonly onFailing: (error: unknown) => void
}

/**
 * Follows the notes of a group, and knows whether it is paused. The notes are one more partition in a request that is made anyway, so a
 * change is known at once and costs nothing until then.
 */
export class PauseWatch {
  readonly #options: PauseWatchOptions
  readonly #reader: Reader
  readonly #hold = { isOn: true }
  #mark: GroupPause | undefined
  #isStopped = false

  constructor(options: PauseWatchOptions) {
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
    const log = notesLog(this.#options.dead)
    let next = 0
    await readLog(this.#options.cluster, log, (record) => {
      requireReadable(log, record)
      this.#read(record)
      next = record.offset + 1
      return undefined
    })
    this.#reader.add(log, next)
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
    const note = noteOf(record)
    if (note !== undefined) this.#mark = markAfter(this.#mark, note)
  }

  #forget(): void {
    this.#mark = undefined
    this.#apply()
  }

  #apply(): void {
    const wasOn = this.#hold.isOn
    this.#hold.isOn = this.#mark !== undefined
    if (wasOn && !this.#hold.isOn) this.#options.onResumed()
  }
}
