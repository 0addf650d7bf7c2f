import { MqError } from '@mq/core/adapter'
import type { Channel } from 'amqplib'
import { inTime } from './answers.js'
import { pause } from './waiting.js'

export interface Counts {
  /** The messages that wait. The broker does not count those that consumers have. */
  readonly messageCount: number
  readonly consumerCount: number
}

/** A quorum queue has 250 ms to say its counts. After that the broker reports an empty queue without consumers. */
const doubtfulMs = 240
/** How often a queue over a slow link has to look empty. */
const slowTries = 3
const countMs = 5_000
const againMs = 50
/** An exchange of every virtual host, which the broker finds without asking anybody. */
export const anyExchange = 'amq.fanout'

/**
 * Resolves with the counts of a queue. Asks again if the broker may have given up waiting for the queue, and rejects with `MQ_TIMEOUT` if
 * that goes on. Rejects with the broker's `NOT_FOUND`, which closes the channel, if there is no such queue.
 */
export async function countsOf(channel: Channel, queue: string): Promise<Counts> {
  const endsAt = performance.now() + countMs
  for (let tries = 1; ; tries++) {
    const { ms, answer } = await timed(() => channel.checkQueue(queue))
    if (answer.messageCount > 0 || answer.consumerCount > 0 || ms < doubtfulMs) return answer
    const isSlowLink = (await timed(() => channel.checkExchange(anyExchange))).ms >= doubtfulMs
    if (isSlowLink && tries === slowTries) return answer
    if (performance.now() > endsAt) throw new MqError('MQ_TIMEOUT', `The queue '${queue}' did not say what it holds`)
    await pause(againMs)
  }
}

async function timed<T>(ask: () => PromiseLike<T>): Promise<{ readonly ms: number; readonly answer: T }> {
  const askedAt = performance.now()
  const answer = await inTime(Promise.resolve(ask()))
  return { ms: performance.now() - askedAt, answer }
}
