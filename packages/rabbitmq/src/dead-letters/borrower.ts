import { Fifo, MqError } from '@mq/core/adapter'
import type { Channel, ConsumeMessage } from 'amqplib'
import { answerTimeoutMs, inTime } from '../connection/answers.js'

/** How long an expected message may take to arrive before the broker is asked. Another process may have borrowed it meanwhile. */
const arrivalMs = 1_000

/** How long it may take until returned messages can be borrowed again, once the broker has answered. */
const returnMs = 1_000
const returnPollMs = 5

/**
 * Takes messages out of a queue, the oldest first, and returns those that were not acknowledged in their order. It consumes instead
 * of fetching them one by one, because the broker keeps the order only among the messages of one consumer.
 */
export interface Borrower {
  /** The number of messages in the queue at the beginning. */
  readonly ready: number
  /** Resolves with undefined if no more messages come. Rejects if the channel was lost. */
  next(): Promise<ConsumeMessage | undefined>
  acknowledge(message: ConsumeMessage): void
  /** Keeps a message until the end. It takes no place of the limit. */
  keep(): Promise<void>
  /** Returns the rest. Resolves once others can see it, or after a moment. */
  end(): Promise<void>
}

/** Borrows at most `limit` messages at a time. */
export async function borrowFrom(channel: Channel, queue: string, limit: number): Promise<Borrower> {
  const arrived = new Fifo<ConsumeMessage>()
  let wake = (): void => undefined
  let isOver = false
  let outstanding = 0
  let kept = 0
  const tags: string[] = []
  channel.on('close', () => {
    isOver = true
    wake()
  })
  const ready = (await inTime(channel.checkQueue(queue))).messageCount
  await inTime(channel.prefetch(limit))
  await consume()

  /** Each consumer may hold as many messages as the limit says. */
  async function consume(): Promise<void> {
    const consuming = channel.consume(queue, (message) => {
      if (message === null) isOver = true
      else {
        arrived.push(message)
        outstanding += 1
      }
      wake()
    })
    tags.push((await inTime(consuming)).consumerTag)
  }

  /** Waits for the next message. The broker writes its answer behind the messages that it has sent, however long those take. */
  async function arrival(): Promise<void> {
    const endsAt = performance.now() + answerTimeoutMs
    while (arrived.length === 0 && !isOver && performance.now() < endsAt) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, arrivalMs)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      if (arrived.length > 0 || isOver) return
      const { messageCount } = await inTime(channel.checkQueue(queue))
      if (messageCount === 0) return
    }
  }

  return {
    ready,
    async next() {
      if (arrived.length === 0 && !isOver) await arrival()
      const message = arrived.shift()
      if (message === undefined && isOver) {
        throw new MqError('MQ_CONNECTION_LOST', 'The channel to the dead letters was lost')
      }
      return message
    },
    acknowledge(message) {
      channel.ack(message)
      outstanding -= 1
    },
    async keep() {
      kept += 1
      if (kept % limit === 0) await consume()
    },
    async end() {
      if (isOver) return
      try {
        await Promise.all(tags.map((tag) => inTime(channel.cancel(tag))))
        const others = await inTime(channel.checkQueue(queue))
        channel.nackAll(true)
        let back = await inTime(channel.checkQueue(queue))
        const endsAt = performance.now() + returnMs
        while (back.messageCount < others.messageCount + outstanding && performance.now() < endsAt) {
          await new Promise((resolve) => setTimeout(resolve, returnPollMs))
          back = await inTime(channel.checkQueue(queue))
        }
      } catch {
        // The broker returns them when the channel closes.
      }
    },
  }
}
