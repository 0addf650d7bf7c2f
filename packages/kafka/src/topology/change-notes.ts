import { randomUUID } from 'node:crypto'
import type { TopicPartition } from '../driver/cluster.js'
import type { KafkaRecord } from '../driver/records/record-batch.js'
import type { OutgoingRecord } from '../driver/records/record-writer.js'

// Single messages are removed or hurried by the owner of their partition, who alone knows which of them run. A process asks for it by a
// note, and the owner answers by a note with the same key. An answer without a value strikes the request out, so compaction removes both.
// See docs/decisions/0027-kafka-looking-and-pausing.md.

export type ChangeAction = 'remove' | 'run'

/** Asks for a change of messages in one partition. */
export interface ChangeRequest extends TopicPartition {
  readonly key: string
  readonly action: ChangeAction
  /** See `Cluster.identityOf`. Empty if it is not known. */
  readonly identity: string
  readonly offsets: readonly number[]
}

/** Names the offsets of a request that were changed, and those that run or were ready already. The others are finished or elsewhere. */
export interface ChangeAnswer {
  readonly done: readonly number[]
  readonly kept: readonly number[]
}

export interface ChangeNote {
  readonly key: string
  /** The rest that is still to be obeyed. Undefined if nothing is. */
  readonly request: ChangeRequest | undefined
  readonly answer: ChangeAnswer | undefined
}

/** How many messages one request may name. */
export const maxOffsets = 1_000
/** The limits of requests that stand. A consumer reads no more of them, and a process that asks for one more is refused. */
const maxStanding = { requests: 1_000, offsets: 100_000 }

const keyPrefix = 'change.'
const answerHeader = 'mq-answer'

export const newChangeKey = (): string => `${keyPrefix}${randomUUID()}`

const textOf = ({ key: _, ...request }: ChangeRequest): Buffer => Buffer.from(JSON.stringify(request))

export const encodeRequest = (request: ChangeRequest): OutgoingRecord => ({
  key: request.key,
  value: textOf(request),
  headers: [],
})

/** `standing` is what later owners of the partition still have to obey. */
export const encodeAnswer = (
  key: string,
  { done, kept }: ChangeAnswer,
  standing: ChangeRequest | undefined,
): OutgoingRecord => ({
  key,
  value: standing === undefined ? null : textOf(standing),
  headers: [{ name: answerHeader, value: JSON.stringify({ done, kept }) }],
})

/** Makes the note that takes a request back. */
export const encodeWithdrawal = (key: string): OutgoingRecord => ({ key, value: null, headers: [] })

/** Returns undefined for a record that is about something else. */
export function changeNoteOf({ key, value, headers }: KafkaRecord): ChangeNote | undefined {
  const name = key?.toString()
  if (name?.startsWith(keyPrefix) !== true) return undefined
  const answer = headers.find((header) => header.name === answerHeader)?.value
  return { key: name, request: requestOf(name, parsed(value?.toString())), answer: answerOf(parsed(answer)) }
}

function parsed(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    return { ...JSON.parse(text ?? '') }
  } catch {
    return {}
  }
}

function requestOf(
  key: string,
  { action, topic, partition, identity, offsets }: Readonly<Record<string, unknown>>,
): ChangeRequest | undefined {
  if ((action !== 'remove' && action !== 'run') || typeof topic !== 'string' || typeof identity !== 'string')
    return undefined
  if (!isOffset(partition) || !areOffsets(offsets)) return undefined
  return { key, action, topic, partition, identity, offsets }
}

const answerOf = ({ done, kept }: Readonly<Record<string, unknown>>): ChangeAnswer | undefined =>
  areOffsets(done) && areOffsets(kept) ? { done, kept } : undefined

const isOffset = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const areOffsets = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.length <= maxOffsets && value.every(isOffset)

/** The requests that stand, as the notes say that were read so far. */
export class StandingChanges {
  readonly #requests = new Map<string, ChangeRequest>()
  #offsets = 0

  get requests(): readonly ChangeRequest[] {
    return [...this.#requests.values()]
  }

  has(key: string): boolean {
    return this.#requests.has(key)
  }

  take({ key, request }: ChangeNote): void {
    const before = this.#requests.get(key)
    this.#offsets -= before?.offsets.length ?? 0
    if (request === undefined || (before === undefined && this.#isFull(request))) this.#requests.delete(key)
    // One that is partly carried out keeps its turn.
    else this.#requests.set(key, request)
    this.#offsets += this.#requests.get(key)?.offsets.length ?? 0
  }

  /** Returns whether somebody has asked to remove a message before a request of this key. */
  isRemovedBefore(key: string, { topic, partition, offset }: TopicPartition & { readonly offset: number }): boolean {
    for (const request of this.#requests.values()) {
      if (request.key === key) return false
      const isHere = request.topic === topic && request.partition === partition
      if (isHere && request.action === 'remove' && request.offsets.includes(offset)) return true
    }
    return false
  }

  #isFull({ offsets }: ChangeRequest): boolean {
    return this.#requests.size >= maxStanding.requests || this.#offsets + offsets.length > maxStanding.offsets
  }

  clear(): void {
    this.#requests.clear()
    this.#offsets = 0
  }

  /** Returns the offsets of a partition that are to be removed. `identity` is that of the topic that is there. */
  removedIn({ topic, partition }: TopicPartition, identity: string | undefined): readonly number[] {
    return this.requests
      .filter((one) => one.action === 'remove' && one.topic === topic && one.partition === partition)
      .filter((one) => isSameTopic(one, identity))
      .flatMap(({ offsets }) => offsets)
  }
}

/** Returns whether a request is about the topic that is there now, as far as that is known. */
export const isSameTopic = ({ identity }: ChangeRequest, now: string | undefined): boolean =>
  identity === '' || now === undefined || identity === now
