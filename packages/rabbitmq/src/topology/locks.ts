import { setTimeout as sleep } from 'node:timers/promises'
import type { GroupRef } from '@mq/core/adapter'
import type { Channel, ChannelModel } from 'amqplib'
import { bounded, pause } from '../connection/bounded.js'
import { closeChannel, onChannel, openChannel, politely } from '../connection/connection.js'
import { reply, replyCode } from '../connection/errors.js'
import type { Namespace } from './names.js'

/** How often an instance that stands by looks whether it can take over. */
const retryMs = 500

/** How long a new holder waits for the consumer of the one before to be gone. */
const settleMs = 5_000

type Release = () => Promise<void>

/**
 * At most one consumer at a time of an ordered group, among all that ask here: the holder's connection owns an exclusive
 * queue, which the broker deletes with that connection. RabbitMQ's own exclusive consumers are not kept to by quorum queues.
 */
export function createLocks(names: Namespace) {
  /** A connection may declare its own exclusive queue twice. */
  const held = new Set<string>()

  /** Undefined when another one has it. */
  async function take(connection: ChannelModel, ref: GroupRef): Promise<Release | undefined> {
    const name = names.lock(ref)
    const channel = await openChannel(connection, 'plain')
    try {
      const exclusive = { exclusive: true, durable: false, arguments: { 'x-queue-type': 'classic' } }
      await bounded(connection, channel.assertQueue(name, exclusive))
    } catch (error) {
      await closeChannel(channel)
      if (replyCode(error) === reply.resourceLocked) return undefined
      throw error
    }
    const release = async (): Promise<void> => {
      await politely(() => channel.deleteQueue(name))
      await closeChannel(channel)
    }
    try {
      // On another channel: one that a refusal has closed releases nothing.
      const gone = (looking: Channel): Promise<void> => withoutConsumer(looking, names.group(ref))
      await bounded(connection, onChannel(connection, 'Waiting for the consumer before', gone))
    } catch (error) {
      await release()
      throw error
    }
    return release
  }

  /** Its messages are given back only when the broker has noticed that it is gone. */
  async function withoutConsumer(channel: Channel, queue: string): Promise<void> {
    const endsAt = Date.now() + settleMs
    while (Date.now() < endsAt && (await channel.checkQueue(queue)).consumerCount > 0) await sleep(50)
  }

  const freeing =
    (name: string, release: Release): Release =>
    async () => {
      await release()
      held.delete(name)
    }

  return {
    /** Resolves with what releases the lock, once it is had; with undefined when `givenUp` before. Rejects with the connection. */
    async hold(connection: ChannelModel, ref: GroupRef, givenUp: AbortSignal): Promise<Release | undefined> {
      const name = names.lock(ref)
      while (!givenUp.aborted) {
        if (!held.has(name)) {
          held.add(name)
          let release: Release | undefined
          try {
            release = await take(connection, ref)
          } finally {
            if (release === undefined) held.delete(name)
          }
          if (release !== undefined) return freeing(name, release)
        }
        await pause(retryMs, givenUp)
      }
      return undefined
    },
  }
}

export type Locks = ReturnType<typeof createLocks>
