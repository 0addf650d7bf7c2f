import { isMqError, isTlsFault, MqError, withTimeout } from '@mq/core/adapter'
import { asMqError, isAuthError } from '../driver/errors.js'
import type { Settings } from '../options.js'
import type { Link } from './link.js'

/** Opens the link in time, or rejects with an error that says why not. */
export async function connectWithin({ brokers, connectTimeoutMs }: Settings, link: Link): Promise<void> {
  const where = brokers.join(', ')
  const late = (): MqError =>
    new MqError('MQ_CONNECT_TIMEOUT', `Kafka at ${where} did not answer within ${connectTimeoutMs} ms`)
  try {
    await withTimeout(link.open(), connectTimeoutMs, late)
  } catch (error) {
    link.giveUp()
    if (isAuthError(error) || isTlsFault(error)) throw asMqError(error, `Kafka at ${where} refused the connection`)
    if (isMqError(error)) throw error
    const cause = (error as Error).cause ?? error
    throw new MqError('MQ_CONNECT_FAILED', `Kafka at ${where} cannot be reached: ${(cause as Error).message}`, {
      cause,
    })
  }
}
