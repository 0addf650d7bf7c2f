import { MqError, withTimeout } from '@mq/core/adapter'
import type { Channel, ConsumeMessage } from 'amqplib'
import { answerTimeoutMs, politely } from '../connection/connection.js'

/** How long a message that is said to be there may take to come: somebody else may have borrowed it meanwhile. */
const quietMs = 1_000

/** How long it may take until what was given back can be seen again. */
const returnMs = 1_000
const returnPollMs = 5

/**
 * Takes messages out of a queue, the oldest first, and gives back those that were not acknowledged, in their order: that is
 * kept only among the messages of one consumer, so they are not fetched one by one.
 */
export interface Borrower {
  /** How many there were when it began. */
  readonly ready: number
  /** Undefined when no more come. Rejects when the channel was lost. */
  next(): Promise<ConsumeMessage | undefined>
  acknowledge(message: ConsumeMessage): void
  /** Gives back the rest. Resolves once others can see it, or after a moment. */
  end(): Promise<void>
}

export function answered<T>(work: Promise<T>): Promise<T> {
  const late = (): MqError => new MqError('MQ_TIMEOUT', `RabbitMQ gave no answer in ${answerTimeoutMs} ms`)
  return withTimeout(work, answerTimeoutMs, late)
}

/** At most `limit` are borrowed at a time. */
export async function borrowFrom(channel: Channel, queue: string, limit: number): Promise<Borrower> {
  const arrived: ConsumeMessage[] = []
  let head = 0
  let wake = (): void => undefined
  let isOver = false
  let outstanding = 0
  channel.on('close', () => {
    isOver = true
    wake()
  })
  const count = async (): Promise<number> => (await answered(channel.checkQueue(queue))).messageCount
  const ready = await count()
  await answered(channel.prefetch(limit))
  const { consumerTag } = await answered(
    channel.consume(queue, (message) => {
      if (message === null) isOver = true
      else {
        arrived.push(message)
        outstanding += 1
      }
      wake()
    }),
  )

  return {
    ready,
    async next() {
      if (head === arrived.length && !isOver) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, quietMs)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
      if (head === arrived.length) {
        if (isOver) throw new MqError('MQ_CONNECTION_LOST', 'The channel to the dead letters was lost')
        return undefined
      }
      const message = arrived[head]
      // Only its tag is needed any more.
      delete arrived[head]
      head += 1
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
        const endsAt = Date.now() + returnMs
        while (Date.now() < endsAt) {
          if ((await channel.checkQueue(queue)).messageCount >= others.messageCount + outstanding) return
          await new Promise((resolve) => setTimeout(resolve, returnPollMs))
        }
      }, returnMs)
    },
  }
}
