import type { Source } from '@mq/core'
import type { Channel, ChannelModel } from 'amqplib'
import { closeChannel, openChannel, politely } from './connection.js'
import { reply, replyCode } from './errors.js'
import type { Namespace } from './names.js'

/** How often an instance that stands by looks whether it can take over. */
const retryMs = 500

/** How long a new holder waits for the consumer of the one before to be gone. */
const settleMs = 5_000

/**
 * At most one consumer at a time of an ordered group, among all that ask here: the holder's connection owns an exclusive
 * queue, which the broker deletes with that connection. RabbitMQ's own exclusive consumers are not kept to by quorum queues.
 */
export function createLocks(names: Namespace) {
  /** A connection may declare its own exclusive queue twice. */
  const held = new Set<string>()

  async function tryLock(connection: ChannelModel, name: string): Promise<Channel | undefined> {
    const channel = await openChannel(connection, 'plain')
    try {
      await channel.assertQueue(name, { exclusive: true, durable: false, arguments: { 'x-queue-type': 'classic' } })
      return channel
    } catch (error) {
      if (replyCode(error) === reply.resourceLocked) return undefined
      throw error
    }
  }

  /** Its messages are given back only when the broker has noticed that it is gone. */
  async function withoutConsumer(channel: Channel, queue: string): Promise<void> {
    const endsAt = Date.now() + settleMs
    while (Date.now() < endsAt && (await channel.checkQueue(queue)).consumerCount > 0) await pause(50)
  }

  return {
    /** Resolves with what releases the lock, once it is had; with undefined when `given` up before. Rejects with the connection. */
    async hold(
      connection: ChannelModel,
      source: Source,
      givenUp: Promise<void>,
    ): Promise<(() => Promise<void>) | undefined> {
      const name = names.lock(source)
      let isOver = false
      void givenUp.then(() => {
        isOver = true
      })
      while (!isOver) {
        if (!held.has(name)) {
          held.add(name)
          try {
            const channel = await tryLock(connection, name)
            if (channel !== undefined) {
              await withoutConsumer(channel, names.group(source))
              return async () => {
                await politely(() => channel.deleteQueue(name))
                await closeChannel(channel)
                held.delete(name)
              }
            }
          } catch (error) {
            held.delete(name)
            throw error
          }
          held.delete(name)
        }
        await Promise.race([pause(retryMs), givenUp])
      }
      return undefined
    },
  }
}

export type Locks = ReturnType<typeof createLocks>

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
