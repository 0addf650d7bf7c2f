import { MqError } from '@mq/core/adapter'
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib'
import { inTime } from '../connection/answers.js'
import { onChannel } from '../connection/channels.js'
import { countsOf } from '../connection/counts.js'
import { reply, replyCode } from '../connection/errors.js'
import { pause } from '../connection/waiting.js'
import { inTurn } from '../dead-letters/turns.js'
import { untilNoConsumer } from '../topology/locks.js'
import type { Namespace } from '../topology/names.js'
import { declareMarks } from '../topology/topology.js'
import { decodeMark, type Mark } from './mark.js'

// See docs/decisions/0037-rabbitmq-pauses.md.

/** How long the marks may take to come. */
const comeMs = 5_000
const pollMs = 10

/**
 * A mark that was delivered so many times is replaced by a copy. Brokers count each time that the marks are read, and a policy may set a
 * low delivery limit.
 */
const maxDeliveries = 3

/** The marks, while nobody else reads or changes them. */
export interface HeldMarks {
  readonly marks: readonly HeldMark[]
  /** Removes a mark once the work is done. */
  remove(mark: HeldMark): void
}

export interface HeldMark {
  /** Undefined for a message that is not ours. */
  readonly mark: Mark | undefined
  readonly isWorn: boolean
  readonly delivered: ConsumeMessage
}

const never = new AbortController().signal

/** Resolves with the number of messages in the queue of the marks, or with undefined while somebody holds them. */
export async function countMarks(connection: ChannelModel, names: Namespace): Promise<number | undefined> {
  const counting = onChannel(connection, 'Looking for paused groups', (channel) => countsOf(channel, names.paused))
  try {
    const { messageCount, consumerCount } = await counting
    return consumerCount > 0 ? undefined : messageCount
  } catch (error) {
    if (replyCode(error) === reply.notFound) return 0
    throw error
  }
}

/**
 * Does some work with all marks, in turn with other processes. AMQP shows a message only to a consumer that takes it. The consumer goes
 * with its channel, which puts the marks back in one step: a queue without marks and without a consumer has none.
 */
export async function withMarks<T>(
  connection: ChannelModel,
  names: Namespace,
  work: (held: HeldMarks) => Promise<T>,
): Promise<T> {
  const what = 'Reading which groups are paused'
  return inTurn(connection, { lock: names.pausing, what }, async (turn) => {
    await declareMarks(turn, names)
    // A holder that was lost may still be a consumer.
    await untilNoConsumer(connection, names.paused, never)
    const { messageCount } = await countsOf(turn, names.paused)
    const removed = new Set<HeldMark>()
    const marks = messageCount === 0 ? [] : (await receive(turn, names.paused, messageCount)).map(heldMark)
    const result = await work({ marks, remove: (mark) => removed.add(mark) })
    if (removed.size > 0) await removeAll(turn, names.paused, removed)
    return result
  })
}

function heldMark(delivered: ConsumeMessage): HeldMark {
  const count: unknown = delivered.properties.headers?.['x-delivery-count']
  return {
    delivered,
    mark: decodeMark(delivered.content),
    isWorn: typeof count === 'number' && count >= maxDeliveries,
  }
}

async function receive(channel: Channel, queue: string, count: number): Promise<readonly ConsumeMessage[]> {
  const messages: ConsumeMessage[] = []
  let isOver = false
  await inTime(channel.prefetch(count))
  await inTime(
    channel.consume(queue, (message) => {
      if (message === null) isOver = true
      else messages.push(message)
    }),
  )
  const endsAt = performance.now() + comeMs
  while (messages.length < count && !isOver && performance.now() < endsAt) await pause(pollMs)
  if (messages.length >= count) return messages
  throw new MqError('MQ_OPERATION_FAILED', `${count - messages.length} marks of paused groups did not come`)
}

/** The broker passes so few on at once. Whoever removes a mark looks again, as an answer is lost with the leader of a queue. */
async function removeAll(channel: Channel, queue: string, removed: ReadonlySet<HeldMark>): Promise<void> {
  for (const { delivered } of removed) channel.ack(delivered)
  await inTime(channel.checkQueue(queue))
}
