import { createHash } from 'node:crypto'
import { type DeadLetterStore, type Failure, MqError, type RawDeadLetter, type Source, withDeadline } from '@mq/core'
import type { Channel, GetMessage, Message } from 'amqplib'
import { answerTimeoutMs, closeChannel, openChannel } from './connection.js'
import type { Copier } from './copies.js'
import { operationError, reply, replyCode } from './errors.js'
import type { Link } from './link.js'
import type { Namespace } from './names.js'
import { copyProperties, decode, entryOf } from './wire.js'

export interface DeadLetterParts {
  readonly source: Source
  readonly names: Namespace
  readonly link: Link
  readonly copy: Copier
}

/** Replayed side by side. */
const maxCopies = 100

/**
 * AMQP shows a message only to whoever takes it: entries are borrowed and given back, and meanwhile others do not see them.
 * What is interrupted on the way is given back by the broker.
 */
export function deadLetterStore({ source, names, link, copy }: DeadLetterParts): DeadLetterStore {
  const queue = names.dead(source)

  /** Whatever is not acknowledged by then is given back at the end. A group that does not exist has no dead letters. */
  async function borrow<T>(what: string, ifNone: T, work: (channel: Channel) => Promise<T>): Promise<T> {
    try {
      const channel = await openChannel(await link.up(answerTimeoutMs), 'plain')
      try {
        return await work(channel)
      } finally {
        giveBack(channel)
        await closeChannel(channel)
      }
    } catch (cause) {
      if (replyCode(cause) === reply.notFound) return ifNone
      throw operationError(cause, `${what} the dead letters of '${source.group}' on '${source.topic}'`)
    }
  }

  const count = async (channel: Channel): Promise<number> => (await answered(channel.checkQueue(queue))).messageCount

  /** Takes entries, the oldest first: those with the ids, or all that are there now. */
  async function take(
    channel: Channel,
    entryIds: readonly string[] | undefined,
    use: (message: GetMessage) => Promise<void>,
  ): Promise<number> {
    const wanted = entryIds === undefined ? undefined : new Set(entryIds)
    const using = new Set<Promise<void>>()
    let taken = 0
    for (let left = await count(channel); left > 0 && wanted?.size !== 0; left--) {
      const message = await answered(channel.get(queue))
      if (message === false) break
      if (wanted !== undefined && !wanted.delete(entryIdOf(message))) continue
      const used = use(message).then(() => {
        channel.ack(message)
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

  async function replayOne(message: GetMessage): Promise<void> {
    const { content } = message
    const properties = copyProperties(message, { id: decode(message, source.topic).message.id })
    const copying = copy({ source, queue: 'group', delayMs: 0, content, properties })
    const result = await answered(copying.result).catch((error) => {
      copying.abandon()
      throw error
    })
    if (result !== 'stored') throw new MqError('MQ_OPERATION_FAILED', `RabbitMQ did not take a replayed message`)
  }

  return {
    list: ({ limit }) =>
      borrow<readonly RawDeadLetter[]>('Listing', [], async (channel) => {
        const entries: RawDeadLetter[] = []
        while (entries.length < limit) {
          const message = await answered(channel.get(queue))
          if (message === false) break
          entries.push(deadLetter(message, source.topic))
        }
        return entries
      }),
    replay: (entryIds) => borrow('Replaying', 0, (channel) => take(channel, entryIds, replayOne)),
    purge: (entryIds) =>
      borrow('Purging', 0, async (channel) =>
        entryIds === undefined
          ? (await answered(channel.purgeQueue(queue))).messageCount
          : take(channel, entryIds, async () => undefined),
      ),
  }
}

function answered<T>(work: Promise<T>): Promise<T> {
  const late = (): MqError => new MqError('MQ_TIMEOUT', `RabbitMQ gave no answer in ${answerTimeoutMs} ms`)
  return withDeadline(work, answerTimeoutMs, late)
}

function giveBack(channel: Channel): void {
  try {
    channel.nackAll(true)
  } catch {
    // The channel has closed, and that gives back too.
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
    .update(JSON.stringify([messageId, timestamp, headers]))
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
