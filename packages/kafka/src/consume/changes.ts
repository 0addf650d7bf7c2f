import type { MqError } from '@mq/core/adapter'
import type { Cluster, TopicPartition } from '../driver/cluster.js'
import { asMqError } from '../driver/errors.js'
import type { OutgoingRecord } from '../driver/records/record-writer.js'
import { recordsAt } from '../driver/records-at.js'
import {
  type ChangeAnswer,
  type ChangeRequest,
  encodeAnswer,
  encodeWithdrawal,
  isSameTopic,
  type StandingChanges,
} from '../topology/change-notes.js'
import { tierFor } from '../topology/tiers.js'
import { decodeRecord, encodeRecord } from '../wire/record.js'
import type { Commits } from './commits.js'
import type { Tracker } from './tracker.js'
import type { Workload } from './workload.js'

export interface ChangesOptions {
  /** The changes that somebody has asked for, as the notes of the group say. */
  readonly standing: StandingChanges
  readonly workload: Workload
  readonly commits: Commits
  readonly cluster: Cluster
  /** The topic as applications call it, and the group's topic of retries. */
  readonly topic: string
  readonly retry: string
  /** Stores a note of the group. */
  readonly note: (record: OutgoingRecord) => Promise<void>
  readonly append: (at: TopicPartition, record: OutgoingRecord) => Promise<void>
  readonly report: (error: MqError) => void
}

/** How many messages are made ready at a time. */
const hurriedAtOnce = 100

/**
 * Removes and hurries messages of the partitions that a member owns, as others ask for it. It answers once the group has committed the
 * change, so that no later owner starts what was removed.
 */
export class Changes {
  readonly #options: ChangesOptions
  /** The owner of each request that it has taken: a partition that comes back is owned anew. */
  readonly #taken = new Map<string, Tracker>()
  /** The requests that stand although they are answered. */
  readonly #kept = new Map<string, { readonly tracker: Tracker; readonly request: ChangeRequest }>()

  constructor(options: ChangesOptions) {
    this.#options = options
  }

  /** Carries out the requests that concern its partitions. What is to be removed does not start any more when this returns. */
  carryOut(): void {
    const { standing, workload } = this.#options
    for (const key of this.#taken.keys()) if (!standing.has(key)) this.#taken.delete(key)
    for (const request of standing.requests) {
      const tracker = workload.find(request)
      if (tracker === undefined || tracker.isClosing || this.#taken.get(request.key) === tracker) continue
      this.#taken.set(request.key, tracker)
      const answering = isSameTopic(request, tracker.feed.identity)
        ? request.action === 'remove'
          ? this.#remove(request, tracker)
          : this.#run(request, tracker)
        : this.#answer(request, { done: [], kept: [] })
      answering.catch((cause) => this.#options.report(asMqError(cause, 'A change of single messages has no answer')))
    }
    this.#clearKept()
  }

  async #remove(request: ChangeRequest, tracker: Tracker): Promise<void> {
    const { workload, commits } = this.#options
    const { done, kept, moving } = workload.removeMessages(tracker, request.offsets)
    // Their copies have to be there before somebody looks for them.
    await Promise.all(moving.map((entry) => workload.moved(entry)))
    if (await commits.holds(tracker)) await this.#answer(request, { done, kept }, tracker)
  }

  /** Writes a copy of each message that is ready at once, and finishes the message itself. */
  async #run(request: ChangeRequest, tracker: Tracker): Promise<void> {
    const [done, kept]: [number[], number[]] = [[], []]
    for (let at = 0; at < request.offsets.length; at += hurriedAtOnce) {
      const offsets = request.offsets.slice(at, at + hurriedAtOnce)
      const { entries, unread } = tracker.find(offsets)
      const hurrying = entries.map(async (entry) => {
        const outcome = await this.#options.workload.hurry(entry)
        if (outcome !== 'gone') (outcome === 'done' ? done : kept).push(entry.offset)
      })
      await Promise.all([...hurrying, this.#runUnread(tracker, unread, { done, kept })])
    }
    if (await this.#options.commits.holds(tracker)) await this.#answer(request, { done, kept })
  }

  /** Copies records that are at the broker, because more are before them than fit into memory. */
  async #runUnread(
    tracker: Tracker,
    offsets: readonly number[],
    answer: { done: number[]; kept: number[] },
  ): Promise<void> {
    const { cluster, topic, retry, append, workload } = this.#options
    await recordsAt(cluster, tracker, offsets, async (record) => {
      const { message, attempt, failure, dueMs } = decodeRecord(record, { ...tracker, name: topic })
      if (tracker.kind === 'main' || dueMs <= Date.now()) {
        answer.kept.push(record.offset)
        return
      }
      await append({ topic: retry, partition: tierFor(0) }, encodeRecord(message, { attempt, failure }))
      workload.removeMessages(tracker, [record.offset])
      answer.done.push(record.offset)
    })
  }

  async #answer(request: ChangeRequest, answer: ChangeAnswer, tracker?: Tracker): Promise<void> {
    const removed = { ...request, offsets: answer.done }
    const left = tracker === undefined ? undefined : this.#leftOf(tracker, removed)
    if (tracker !== undefined && left !== undefined) this.#kept.set(request.key, { tracker, request: removed })
    await this.#options.note(encodeAnswer(request.key, answer, left))
  }

  /** Takes back what no later owner has to be told any more. */
  #clearKept(): void {
    for (const [key, { tracker, request }] of this.#kept) {
      if (this.#leftOf(tracker, request) !== undefined) continue
      this.#kept.delete(key)
      // The next owner finds it finished, and takes it back.
      void this.#options.note(encodeWithdrawal(key)).catch(() => {})
    }
  }

  /** Returns what later owners have to be told, because the text beside the offset has no room for it. */
  #leftOf(tracker: Tracker, request: ChangeRequest): ChangeRequest | undefined {
    const offsets = this.#options.commits.uncovered(tracker, request.offsets)
    return offsets.length === 0 ? undefined : { ...request, offsets }
  }
}
