import type { ChannelModel } from 'amqplib'
import { answerFrom } from '../connection/answers.js'
import { onChannel } from '../connection/channels.js'
import { countsOf } from '../connection/counts.js'
import { reply, replyCode } from '../connection/errors.js'
import { pause } from '../connection/waiting.js'

// See docs/decisions/0033-rabbitmq-order.md.

/** How often an instance that stands by checks whether it can take over. */
const retryMs = 500

/** How long a new holder waits for the consumer of the previous holder to be gone. */
const settleMs = 5_000
const settlePollMs = 50

export type Release = () => Promise<void>

export interface Lock {
  /** The exclusive queue that says who holds it. */
  readonly name: string
  /** The queue that its holder consumes. */
  readonly queue: string
}

/**
 * Creates the locks of ordered groups: of all instances that ask here, one at a time consumes a queue. The holder's connection owns
 * an exclusive queue, which the broker deletes with that connection. Quorum queues do not enforce RabbitMQ's exclusive consumers.
 */
export function createLocks() {
  /** Needed because a connection may declare its own exclusive queue twice. */
  const held = new Set<string>()

  const exclusive = { exclusive: true, durable: false, arguments: { 'x-queue-type': 'classic' } }

  async function declare(connection: ChannelModel, { name, queue }: Lock, signal: AbortSignal) {
    try {
      const declaring = onChannel(connection, 'Taking a lock', (channel) => channel.assertQueue(name, exclusive))
      await answerFrom(connection, declaring)
    } catch (error) {
      if (replyCode(error) === reply.resourceLocked) return undefined
      throw error
    }
    const release = async (): Promise<void> => {
      // With its connection the lock is gone, too.
      await onChannel(connection, 'Releasing a lock', (channel) => channel.deleteQueue(name)).catch(() => undefined)
    }
    try {
      await untilNoConsumer(connection, queue, signal)
    } catch (error) {
      await release()
      throw error
    }
    return release
  }

  /** Resolves with undefined if another instance holds the lock, or a subscription of this one. */
  async function take(connection: ChannelModel, lock: Lock, signal: AbortSignal): Promise<Release | undefined> {
    const { name } = lock
    if (held.has(name)) return undefined
    held.add(name)
    let release: Release | undefined
    try {
      release = await declare(connection, lock, signal)
    } finally {
      if (release === undefined) held.delete(name)
    }
    if (release === undefined) return undefined
    const free = release
    return async () => {
      await free()
      held.delete(name)
    }
  }

  return {
    take,
    /**
     * Resolves with a release function once the lock is held, or with undefined if `signal` aborts first. Rejects if the connection
     * is lost.
     */
    async hold(connection: ChannelModel, lock: Lock, signal: AbortSignal): Promise<Release | undefined> {
      while (!signal.aborted) {
        const release = await take(connection, lock, signal)
        if (release !== undefined) return release
        await pause(retryMs, signal)
      }
      return undefined
    },
  }
}

export type Locks = ReturnType<typeof createLocks>

/** Waits for the broker to notice that the previous consumer is gone, because only then it returns that consumer's messages. */
export async function untilNoConsumer(connection: ChannelModel, queue: string, signal: AbortSignal): Promise<void> {
  const endsAt = performance.now() + settleMs
  while (!signal.aborted && performance.now() < endsAt) {
    const looking = onChannel(connection, 'Waiting for the previous consumer', (channel) => countsOf(channel, queue))
    if ((await answerFrom(connection, looking)).consumerCount === 0) return
    await pause(settlePollMs, signal)
  }
}
