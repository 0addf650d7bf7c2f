import { setTimeout as sleep } from 'node:timers/promises'
import { isMqError, MqError, withTimeout } from '@mq/core/adapter'
import type { ChannelModel } from 'amqplib'
import { answerTimeoutMs, giveUpSilent } from './connection.js'

/** What the broker answers to a request. One that does not answer, though its heartbeats go on, loses its connection. */
export async function bounded<T>(connection: ChannelModel, work: Promise<T>): Promise<T> {
  const late = (): MqError => new MqError('MQ_TIMEOUT', `RabbitMQ gave no answer in ${answerTimeoutMs} ms`)
  return withTimeout(work, answerTimeoutMs, late).catch((error) => {
    if (isMqError(error, 'MQ_TIMEOUT')) giveUpSilent(connection)
    throw error
  })
}

// A signal may live as long as the process: neither of these leaves anything behind on it.

/** Over early when the signal aborts. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined)

/** What `work` becomes; undefined as soon as the signal aborts. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  let giveUp = (): void => undefined
  const aborted = new Promise<undefined>((resolve) => {
    giveUp = () => resolve(undefined)
  })
  signal.addEventListener('abort', giveUp)
  if (signal.aborted) giveUp()
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
