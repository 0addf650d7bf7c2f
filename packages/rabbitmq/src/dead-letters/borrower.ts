import { Fifo, MqError } from '@mq/core/adapter'
import type { Channel, ConsumeMessage } from 'amqplib'
import { inTime } from '../connection/answers.js'
import { politely } from '../connection/close.js'

/** How long an expected message may take to arrive. Another process may have borrowed it meanwhile. */
const arrivalMs = 1_000

/** How long it may take until returned messages can be borrowed again. */
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
  /** Returns the rest. Resolves once others can see it, or after a moment. */
  end(): Promise<void>
}

/** Borrows at most `limit` messages at a time. */
export async function borrowFrom(channel: Channel, queue: string, limit: number): Promise<Borrower> {
  const arrived = new Fifo<ConsumeMessage>()
  let wake = (): void => undefined
  let isOver = false
  let outstanding = 0
  channel.on('close', () => {
    isOver = true
    wake()
  })
  const ready = (await inTime(channel.checkQueue(queue))).messageCount
  await inTime(channel.prefetch(limit))
  const { consumerTag } = await inTime(
    channel.consume(queue, (message) => {
      if (message === null) isOver = true
      else {
        arrived.push(message)
        outstanding += 1
      }
      wake()
    }),
  )

  const arrival = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, arrivalMs)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })

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
    async end() {
      if (isOver || !(await politely(() => channel.cancel(consumerTag)))) return
      await politely(async () => {
        const others = await channel.checkQueue(queue)
        channel.nackAll(true)
        const endsAt = performance.now() + returnMs
        while (performance.now() < endsAt) {
          if ((await channel.checkQueue(queue)).messageCount >= others.messageCount + outstanding) return
          await new Promise((resolve) => setTimeout(resolve, returnPollMs))
        }
      }, returnMs)
    },
  }
}
