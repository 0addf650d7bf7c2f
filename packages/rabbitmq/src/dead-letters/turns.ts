import { setTimeout as sleep } from 'node:timers/promises'
import { MqError } from '@mq/core/adapter'
import type { Channel, ChannelModel } from 'amqplib'
import { answerTimeoutMs, inTime } from '../connection/answers.js'
import { closeChannel, onChannel, openChannel } from '../connection/channels.js'
import { politely } from '../connection/close.js'
import { reply, replyCode } from '../connection/errors.js'

const retryMs = 100

/** The turns that a connection has, because it may declare its own exclusive queue twice. */
const turns = new WeakMap<ChannelModel, Set<string>>()

function turnsOf(connection: ChannelModel): Set<string> {
  const known = turns.get(connection) ?? new Set()
  turns.set(connection, known)
  return known
}

/**
 * Does some work on a channel of its own while no other instance does the same. The queue named `lock` belongs to the one whose turn it is,
 * and ends with its connection. Rejects with `MQ_TIMEOUT` if the turn does not come.
 */
export async function inTurn<T>(
  connection: ChannelModel,
  { lock, what }: { readonly lock: string; readonly what: string },
  work: (channel: Channel) => Promise<T>,
): Promise<T> {
  const taken = turnsOf(connection)
  const endsAt = performance.now() + answerTimeoutMs
  for (;;) {
    if (!taken.has(lock)) {
      taken.add(lock)
      try {
        const channel = await take(connection, lock)
        if (channel !== undefined) return await whileTaken(connection, channel, { lock, work })
      } finally {
        taken.delete(lock)
      }
    }
    if (performance.now() > endsAt) {
      throw new MqError('MQ_TIMEOUT', `${what} has waited ${answerTimeoutMs} ms for its turn: others are at it`)
    }
    await sleep(retryMs)
  }
}

/** Resolves with the channel of the work, or with undefined if it is the turn of another instance. */
async function take(connection: ChannelModel, lock: string): Promise<Channel | undefined> {
  const channel = await openChannel(connection, 'plain')
  try {
    const exclusive = { exclusive: true, durable: false, arguments: { 'x-queue-type': 'classic' } }
    await inTime(channel.assertQueue(lock, exclusive))
    return channel
  } catch (error) {
    await closeChannel(channel)
    if (replyCode(error) === reply.resourceLocked) return undefined
    throw error
  }
}

async function whileTaken<T>(
  connection: ChannelModel,
  channel: Channel,
  { lock, work }: { readonly lock: string; readonly work: (channel: Channel) => Promise<T> },
): Promise<T> {
  try {
    return await work(channel)
  } finally {
    // A channel that is left open would keep what it has borrowed from the next one.
    await closeChannel(channel)
    await politely(() => onChannel(connection, 'Ending a turn', (other) => other.deleteQueue(lock)))
  }
}
