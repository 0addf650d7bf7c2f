import { setTimeout as sleep } from 'node:timers/promises'
import type { GroupRef } from '@mq/core/adapter'
import type { Channel, ChannelModel } from 'amqplib'
import { answerFrom } from '../connection/answers.js'
import { closeChannel, onChannel, openChannel } from '../connection/channels.js'
import { politely } from '../connection/close.js'
import { reply, replyCode } from '../connection/errors.js'
import { pause } from '../connection/waiting.js'
import type { Namespace } from './names.js'

// See docs/decisions/0033-rabbitmq-order.md.

/** How often an instance that stands by checks whether it can take over. */
const retryMs = 500

/** How long a new holder waits for the consumer of the previous holder to be gone. */
const settleMs = 5_000
const settlePollMs = 50

type Release = () => Promise<void>

/**
 * Creates the locks of ordered groups: of all instances that ask here, one at a time consumes a group. The holder's connection owns
 * an exclusive queue, which the broker deletes with that connection. Quorum queues do not enforce RabbitMQ's exclusive consumers.
 */
export function createLocks(names: Namespace) {
  /** Needed because a connection may declare its own exclusive queue twice. */
  const held = new Set<string>()

  /** Resolves with undefined if another instance holds the lock. */
  async function take(connection: ChannelModel, ref: GroupRef): Promise<Release | undefined> {
    const name = names.lock(ref)
    const channel = await openChannel(connection, 'plain')
    try {
      const exclusive = { exclusive: true, durable: false, arguments: { 'x-queue-type': 'classic' } }
      await answerFrom(connection, channel.assertQueue(name, exclusive))
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
      // On another channel, because a channel that a refusal has closed could not release the lock.
      const untilGone = (other: Channel): Promise<void> => untilNoConsumer(other, names.group(ref))
      await answerFrom(connection, onChannel(connection, 'Waiting for the previous consumer', untilGone))
    } catch (error) {
      await release()
      throw error
    }
    return release
  }

  /** Waits for the broker to notice that the previous consumer is gone, because only then it returns that consumer's messages. */
  async function untilNoConsumer(channel: Channel, queue: string): Promise<void> {
    const endsAt = performance.now() + settleMs
    while (performance.now() < endsAt && (await channel.checkQueue(queue)).consumerCount > 0) await sleep(settlePollMs)
  }

  const freeing =
    (name: string, release: Release): Release =>
    async () => {
      await release()
      held.delete(name)
    }

  return {
    /**
     * Resolves with a release function once the lock is held, or with undefined if `signal` aborts first. Rejects if the connection
     * is lost.
     */
    async hold(connection: ChannelModel, ref: GroupRef, signal: AbortSignal): Promise<Release | undefined> {
      const name = names.lock(ref)
      while (!signal.aborted) {
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
        await pause(retryMs, signal)
      }
      return undefined
    },
  }
}

export type Locks = ReturnType<typeof createLocks>
