import { createHash } from 'node:crypto'
import { type DeadLetterStore, type Failure, type GroupRef, MqError, type RawDeadLetter } from '@mq/core/adapter'
import type { Channel, Message } from 'amqplib'
import { answerTimeoutMs, closeChannel, openChannel } from '../connection/connection.js'
import { operationError, reply, replyCode } from '../connection/errors.js'
import type { Link } from '../connection/link.js'
import type { Copier } from '../publish/copies.js'
import type { Namespace } from '../topology/names.js'
import { copyProperties, decode, entryOf, jsonOf } from '../wire/wire.js'
import { answered, type Borrower, borrowFrom } from './borrower.js'

export interface DeadLetterParts {
  readonly ref: GroupRef
  readonly names: Namespace
  readonly link: Link
  readonly copy: Copier
}

/** Replayed side by side. */
const maxCopies = 100

const scanOf = (limit: number): number => Math.max(limit, minScan)

/** A list of fewer looks at as many. */
const minScan = 1_000

/** How many entries are looked through for the ones that were named: as many as AMQP lets a consumer hold. */
const maxBorrowed = 65_535

/**
 * AMQP shows a message only to whoever takes it: entries are borrowed and given back, and meanwhile others do not see them.
 * What is interrupted on the way is given back by the broker.
 */
export function deadLetterStore({ ref, names, link, copy }: DeadLetterParts): DeadLetterStore {
  const queue = names.dead(ref)

  /** Whatever is not acknowledged at the end is given back. A group that does not exist has no dead letters. */
  async function onQueue<T>(what: string, ifNone: T, work: (channel: Channel) => Promise<T>): Promise<T> {
    try {
      const channel = await openChannel(await link.up(answerTimeoutMs), 'plain')
      try {
        return await work(channel)
      } finally {
        await closeChannel(channel)
      }
    } catch (cause) {
      if (replyCode(cause) === reply.notFound) return ifNone
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

  /**
   * What was given back stands behind what was given back before, so a part would come out of its place: up to a thousand are
   * borrowed, and those that died first are kept.
   */
  async function list(borrower: Borrower, limit: number): Promise<readonly RawDeadLetter[]> {
    const entries: RawDeadLetter[] = []
    for (let left = Math.min(borrower.ready, scanOf(limit)); left > 0; left--) {
      const message = await borrower.next()
      if (message === undefined) break
      const entry = deadLetter(message, ref.topic)
      const later = entries.findIndex(({ failure }) => failure.failedAt > entry.failure.failedAt)
      entries.splice(later === -1 ? entries.length : later, 0, entry)
      if (entries.length > limit) entries.pop()
    }
    return entries
  }

  /** Takes entries, the oldest first: those with the ids, or all that are there now. */
  async function take(
    borrower: Borrower,
    entryIds: readonly string[] | undefined,
    use: (message: Message) => Promise<void>,
  ): Promise<number> {
    const wanted = entryIds === undefined ? undefined : new Set(entryIds)
    const using = new Set<Promise<void>>()
    let taken = 0
    for (let left = borrower.ready; left > 0 && wanted?.size !== 0; left--) {
      const message = await borrower.next()
      if (message === undefined) break
      if (wanted !== undefined && !wanted.delete(entryIdOf(message))) continue
      const used = use(message).then(() => {
        borrower.acknowledge(message)
        taken += 1
        using.delete(used)
      })
      used.catch(() => undefined)
      using.add(used)
      if (using.size >= maxCopies) await Promise.race(using)
    }
    await Promise.all(using)
    return taken
  }

  const taking =
    (entryIds: readonly string[] | undefined, use: (message: Message) => Promise<void>) =>
    (channel: Channel): Promise<number> =>
      borrow(channel, entryIds === undefined ? maxCopies : maxBorrowed, (borrower) => take(borrower, entryIds, use))

  async function replayOne(message: Message): Promise<void> {
    const { content } = message
    const properties = copyProperties(message, { message: decode(message, ref.topic).message })
    const copying = copy({ ref, queue: 'group', delayMs: 0, content, properties })
    const result = await answered(copying.result).catch((error) => {
      copying.abandon()
      throw error
    })
    if (result !== 'stored') throw new MqError('MQ_OPERATION_FAILED', `RabbitMQ did not take a replayed message`)
  }

  return {
    list: ({ limit }) =>
      onQueue<readonly RawDeadLetter[]>('Listing', [], (channel) =>
        borrow(channel, scanOf(limit), (borrower) => list(borrower, limit)),
      ),
    replay: (entryIds) => onQueue('Replaying', 0, taking(entryIds, replayOne)),
    purge: (entryIds) =>
      onQueue('Purging', 0, async (channel) =>
        entryIds === undefined
          ? (await answered(channel.purgeQueue(queue))).messageCount
          : taking(entryIds, async () => undefined)(channel),
      ),
  }
}

function deadLetter(message: Message, topic: string): RawDeadLetter {
  const decoded = decode(message, topic)
  const entryId = entryIdOf(message)
  // Without an entry of ours the broker did it; a failure is then that of an earlier attempt.
  const isOurs = entryOf(message) !== undefined && decoded.failure !== undefined
  const failure = isOurs && decoded.failure ? decoded.failure : brokerFailure(message, decoded.failure)
  return { entryId, message: decoded.message, failure }
}

/** What the broker dead-lettered by itself gets a name from all that stays the same however often it is looked at. */
function entryIdOf(message: Message): string {
  const entry = entryOf(message)
  if (entry !== undefined) return entry
  const { 'x-delivery-count': _, 'x-acquired-count': __, ...headers } = message.properties.headers ?? {}
  const { messageId, timestamp } = message.properties
  const hash = createHash('sha256')
    .update(jsonOf([messageId, timestamp, headers]))
    .update(message.content)
  return `broker-${hash.digest('hex').slice(0, 32)}`
}

function brokerFailure({ properties }: Message, before: Failure | undefined): Failure {
  const headers = properties.headers ?? {}
  const death: unknown = Array.isArray(headers['x-death']) ? headers['x-death'][0] : undefined
  const { reason, time } = (death ?? {}) as { reason?: unknown; time?: { value?: unknown } }
  const why = String(reason ?? headers['x-first-death-reason'] ?? 'unknown').slice(0, 100)
  const at = typeof time?.value === 'number' ? time.value * 1_000 : Date.now()
  return {
    reason: 'broker',
    error: { name: 'RabbitMQ', message: `RabbitMQ dead-lettered the message by itself: ${why}`, code: why },
    attempts: before?.attempts ?? 0,
    firstFailedAt: before?.firstFailedAt ?? at,
    failedAt: at,
  }
}
