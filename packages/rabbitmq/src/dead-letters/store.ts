import { randomUUID } from 'node:crypto'
import { type DeadLetterStore, failureBeforeReplay, type GroupRef, MqError, type RawDeadLetter } from '@mq/core/adapter'
import type { Channel, ConsumeMessage, Message } from 'amqplib'
import { answerTimeoutMs, inTime } from '../connection/answers.js'
import { keepChannels } from '../connection/channel-budget.js'
import { operationError, reply, replyCode } from '../connection/errors.js'
import type { Link } from '../connection/link.js'
import { persistently } from '../connection/persistently.js'
import type { Namespace } from '../topology/names.js'
import { type Copier, copyProperties } from '../wire/copy.js'
import { type Borrower, borrowFrom } from './borrower.js'
import { deadLetterOf, entryIdOf } from './entry.js'
import { createRenewal } from './renewal.js'
import { inTurn } from './turns.js'

// See docs/decisions/0038-rabbitmq-dead-letters.md.

export interface DeadLetterParts {
  readonly ref: GroupRef
  readonly names: Namespace
  readonly link: Link
  readonly copy: Copier
  readonly report: (error: MqError, ref: GroupRef) => void
}

/** A list looks at this many entries at least. */
const minScan = 1_000

/** A list ends at this size, even below its limit, because it is held in memory. */
const maxListBytes = 64 * 1024 * 1024

/** The most entries that an error names. */
const maxNamed = 20

/** Resolves with whether an entry is used, and may be removed. */
type Use = (message: Message) => Promise<boolean>

/** Renews those of the messages that need it before they are put back, and removes the originals. */
type Keep = (messages: readonly ConsumeMessage[]) => Promise<void>

interface Taking {
  /** Default: all entries. */
  readonly entryIds: readonly string[] | undefined
  readonly use: Use
}

interface Taken {
  readonly taken: number
  /** The ids of the entries that stay. */
  readonly left: readonly string[]
}

const nothing: Taken = { taken: 0, left: [] }

/**
 * Creates the dead letters of a group. AMQP shows a message only to the consumer that takes it, so entries are borrowed and put back.
 * Others wait for their turn meanwhile. If this is interrupted, the broker puts them back.
 */
export function deadLetterStore({ ref, names, link, copy, report }: DeadLetterParts): DeadLetterStore {
  const queue = names.dead(ref)
  const whose = `the dead letters of '${ref.group}' on '${ref.topic}'`

  /** Everything that is not acknowledged at the end is put back. A group that does not exist has no dead letters. */
  async function onQueue<T>(doing: string, ifMissing: T, work: (channel: Channel) => Promise<T>): Promise<T> {
    const what = `${doing} ${whose}`
    try {
      const connection = await link.ready(answerTimeoutMs)
      // Not an errand: it takes long, and others are done for it meanwhile.
      const giveChannelBack = keepChannels(connection, 1, what)
      try {
        return await inTurn(connection, { lock: names.turn(ref), what }, work)
      } finally {
        giveChannelBack()
      }
    } catch (cause) {
      if (replyCode(cause) === reply.notFound) return ifMissing
      throw operationError(cause, what)
    }
  }

  async function borrow<T>(channel: Channel, work: (borrower: Borrower, keep: Keep) => Promise<T>): Promise<T> {
    const borrower = await borrowFrom(channel, queue)
    const renew = createRenewal(ref, copy)
    const keep = async (messages: readonly ConsumeMessage[]): Promise<void> => {
      const isRenewed = await Promise.all(messages.map(renew))
      borrower.acknowledge(messages.filter((_, index) => isRenewed[index]))
    }
    try {
      return await work(borrower, keep)
    } finally {
      const returned = await borrower.end()
      const gone = borrower.gone() + (returned === undefined ? 0 : Math.max(0, returned.expected - returned.found))
      if (gone > 0) reportGone(gone)
    }
  }

  function reportGone(count: number): void {
    const why = 'they have expired, a policy limits their deliveries, or another program takes them'
    report(new MqError('MQ_OPERATION_FAILED', `${count} of ${whose} are gone while they were looked at: ${why}`), ref)
  }

  /** Looks at more entries than it lists and keeps those that died first, because a renewed one has changed its place. */
  async function list(borrower: Borrower, keep: Keep, limit: number): Promise<readonly RawDeadLetter[]> {
    const entries: RawDeadLetter[] = []
    let bytes = 0
    for (let left = Math.max(limit, minScan); left > 0 && bytes < maxListBytes; ) {
      const messages = await borrower.page(left)
      if (messages.length === 0) break
      for (const message of messages) {
        const entry = deadLetterOf(message, ref.topic)
        const later = entries.findIndex(({ failure }) => failure.failedAt > entry.failure.failedAt)
        entries.splice(later === -1 ? entries.length : later, 0, entry)
        if (entries.length > limit) entries.pop()
        bytes += message.content.length
      }
      left -= messages.length
      await keep(messages)
    }
    const wanted = Math.min(limit, borrower.ready - borrower.gone())
    if (entries.length < wanted) reportPart(entries.length, wanted)
    return entries
  }

  function reportPart(listed: number, wanted: number): void {
    const why = `a list ends at ${maxListBytes / 1024 / 1024} MiB. Replay or purge those to see the next ones`
    report(new MqError('MQ_OPERATION_FAILED', `The list of ${whose} has ${listed} of ${wanted} entries: ${why}`), ref)
  }

  /** Takes entries, the oldest first: those with the ids, or all that are there now. Those that cannot be used stay. */
  async function take(borrower: Borrower, keep: Keep, { entryIds, use }: Taking): Promise<Taken> {
    const wanted = entryIds === undefined ? undefined : new Set(entryIds)
    const left: string[] = []
    let taken = 0
    /** Uses messages at the same time, and removes those that were used even if one has failed. */
    async function useAll(messages: readonly ConsumeMessage[]): Promise<void> {
      const used: ConsumeMessage[] = []
      const useOne = async (message: ConsumeMessage): Promise<void> =>
        void ((await use(message)) ? used.push(message) : left.push(entryIdOf(message)))
      try {
        await all(messages.map(useOne))
      } finally {
        borrower.acknowledge(used)
        taken += used.length
      }
    }
    try {
      while (wanted?.size !== 0) {
        const messages = await borrower.page()
        if (messages.length === 0) break
        const used = messages.filter((message) => wanted === undefined || wanted.delete(entryIdOf(message)))
        await useAll(used)
        await keep(messages.filter((message) => !used.includes(message)))
      }
    } catch (cause) {
      if (taken === 0) throw cause
      const error = operationError(cause, `Using ${whose}`)
      throw new MqError(error.code, `${error.message} (${taken} entries were used before)`, { cause })
    }
    return { taken, left }
  }

  const taking =
    (entryIds: readonly string[] | undefined, use: Use) =>
    (channel: Channel): Promise<Taken> =>
      borrow(channel, (borrower, keep) => take(borrower, keep, { entryIds, use }))

  /** Resolves with false if no copy of the message can be made. */
  async function replayOne(message: Message): Promise<boolean> {
    const { content } = message
    const { message: original, failure } = deadLetterOf(message, ref.topic)
    const before = failureBeforeReplay(failure)
    const history = { message: original, ...(before && { failure: before }), replayId: randomUUID() }
    const properties = copyProperties(message, history)
    const copying = copy({ ref, from: 'dead', queue: 'group', delayMs: 0, content, properties })
    const result = await inTime(copying.result).catch((error) => {
      copying.abandon()
      throw error
    })
    if (result === 'abandoned') throw new MqError('MQ_OPERATION_FAILED', 'RabbitMQ did not take a replayed message')
    if (result === 'deleted') throw new MqError('MQ_GROUP_MISSING', `The group '${ref.group}' was deleted meanwhile`)
    return result === 'stored'
  }

  async function replay(entryIds: readonly string[] | undefined): Promise<number> {
    const { taken, left } = await onQueue('Replaying', nothing, taking(entryIds, replayOne))
    if (left.length === 0) return taken
    const named = `${left.slice(0, maxNamed).join(', ')}${left.length > maxNamed ? ', ...' : ''}`
    const why = 'their headers exceed a frame, or the driver cannot write them'
    const text = `${left.length} of the dead letters cannot be replayed, and ${taken} were: ${why} (${named})`
    throw new MqError('MQ_OPERATION_FAILED', text)
  }

  return {
    list: ({ limit }) =>
      persistently(`Listing ${whose}`, () =>
        onQueue<readonly RawDeadLetter[]>('Listing', [], (channel) =>
          borrow(channel, (borrower, keep) => list(borrower, keep, limit)),
        ),
      ),
    replay,
    purge: (entryIds) =>
      onQueue('Purging', 0, async (channel) =>
        entryIds === undefined
          ? (await inTime(channel.purgeQueue(queue))).messageCount
          : (await taking(entryIds, async () => true)(channel)).taken,
      ),
  }
}

/** Waits for all, then rejects if one has rejected. */
async function all(work: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason
}
