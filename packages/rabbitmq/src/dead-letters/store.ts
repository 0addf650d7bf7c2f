import { randomUUID } from 'node:crypto'
import { type DeadLetterStore, type GroupRef, MqError, type RawDeadLetter } from '@mq/core/adapter'
import type { Channel, ConsumeMessage, Message } from 'amqplib'
import { answerTimeoutMs, inTime } from '../connection/answers.js'
import { keepChannels } from '../connection/channel-budget.js'
import { closeChannel, openChannel } from '../connection/channels.js'
import { operationError, reply, replyCode } from '../connection/errors.js'
import type { Link } from '../connection/link.js'
import type { Namespace } from '../topology/names.js'
import { type Copier, copyProperties } from '../wire/copy.js'
import { decode } from '../wire/decode.js'
import { type Borrower, borrowFrom } from './borrower.js'
import { deadLetterOf, entryIdOf } from './entry.js'

export interface DeadLetterParts {
  readonly ref: GroupRef
  readonly names: Namespace
  readonly link: Link
  readonly copy: Copier
}

/** The most entries that are replayed at the same time. */
const maxCopies = 100

/** A list looks at this many entries at least. */
const minScan = 1_000

/** The most entries that an error names. */
const maxNamed = 20

/** Resolves with whether an entry is used, and may be removed. */
type Use = (message: Message) => Promise<boolean>

interface Taken {
  readonly taken: number
  /** The ids of the entries that stay. */
  readonly left: readonly string[]
}

const nothing: Taken = { taken: 0, left: [] }

const scanOf = (limit: number): number => Math.max(limit, minScan)

/** The most entries that are searched for ids: AMQP lets a consumer hold no more messages. */
const maxBorrowed = 65_535

/**
 * Creates the dead letters of a group. AMQP shows a message only to the consumer that takes it, so entries are borrowed and returned,
 * and meanwhile others do not see them. If this is interrupted, the broker returns them.
 */
export function deadLetterStore({ ref, names, link, copy }: DeadLetterParts): DeadLetterStore {
  const queue = names.dead(ref)

  /** Everything that is not acknowledged at the end is returned. A group that does not exist has no dead letters. */
  async function onQueue<T>(what: string, ifMissing: T, work: (channel: Channel) => Promise<T>): Promise<T> {
    try {
      const connection = await link.ready(answerTimeoutMs)
      // Not an errand: it takes long, and others are done for it meanwhile.
      const giveChannelBack = keepChannels(connection, 1, `${what} the dead letters`)
      try {
        const channel = await openChannel(connection, 'plain')
        try {
          return await work(channel)
        } finally {
          await closeChannel(channel)
        }
      } finally {
        giveChannelBack()
      }
    } catch (cause) {
      if (replyCode(cause) === reply.notFound) return ifMissing
      throw operationError(cause, `${what} the dead letters of '${ref.group}' on '${ref.topic}'`)
    }
  }

  async function borrow<T>(channel: Channel, limit: number, work: (borrower: Borrower) => Promise<T>): Promise<T> {
    const borrower = await borrowFrom(channel, queue, limit)
    try {
      return await work(borrower)
    } finally {
      await borrower.end()
    }
  }

  /** Looks at more entries than it lists and keeps those that died first, because a returned entry may change its place. */
  async function list(borrower: Borrower, limit: number): Promise<readonly RawDeadLetter[]> {
    const entries: RawDeadLetter[] = []
    for (let left = Math.min(borrower.ready, scanOf(limit)); left > 0; left--) {
      const message = await borrower.next()
      if (message === undefined) break
      const entry = deadLetterOf(message, ref.topic)
      const later = entries.findIndex(({ failure }) => failure.failedAt > entry.failure.failedAt)
      entries.splice(later === -1 ? entries.length : later, 0, entry)
      if (entries.length > limit) entries.pop()
    }
    return entries
  }

  /** Takes entries, the oldest first: those with the ids, or all that are there now. Those that cannot be used stay. */
  async function take(borrower: Borrower, entryIds: readonly string[] | undefined, use: Use): Promise<Taken> {
    const wanted = entryIds === undefined ? undefined : new Set(entryIds)
    const using = new Set<Promise<void>>()
    const left: string[] = []
    let taken = 0
    async function useOne(message: ConsumeMessage): Promise<void> {
      if (await use(message)) {
        borrower.acknowledge(message)
        taken += 1
      } else {
        left.push(entryIdOf(message))
        await borrower.keep()
      }
    }
    for (let rest = borrower.ready; rest > 0 && wanted?.size !== 0; rest--) {
      const message = await borrower.next()
      if (message === undefined) break
      if (wanted !== undefined && !wanted.delete(entryIdOf(message))) continue
      const used = useOne(message).then(() => void using.delete(used))
      used.catch(() => undefined)
      using.add(used)
      if (using.size >= maxCopies) await Promise.race(using)
    }
    await Promise.all(using)
    return { taken, left }
  }

  const taking =
    (entryIds: readonly string[] | undefined, use: Use) =>
    (channel: Channel): Promise<Taken> =>
      borrow(channel, entryIds === undefined ? maxCopies : maxBorrowed, (borrower) => take(borrower, entryIds, use))

  /** Resolves with false if no copy of the message can be made. */
  async function replayOne(message: Message): Promise<boolean> {
    const { content } = message
    const properties = copyProperties(message, { message: decode(message, ref.topic).message, replayId: randomUUID() })
    const copying = copy({ ref, queue: 'group', delayMs: 0, content, properties })
    const result = await inTime(copying.result).catch((error) => {
      copying.abandon()
      throw error
    })
    if (result === 'abandoned') throw new MqError('MQ_OPERATION_FAILED', 'RabbitMQ did not take a replayed message')
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
      onQueue<readonly RawDeadLetter[]>('Listing', [], (channel) =>
        borrow(channel, scanOf(limit), (borrower) => list(borrower, limit)),
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
