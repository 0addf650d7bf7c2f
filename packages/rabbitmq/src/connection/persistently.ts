import { isMqError } from '@mq/core/adapter'
import { operationError } from './errors.js'

/** How often some work is begun if the connection ends each time. Core limits the time of all tries. */
const maxTries = 3

/**
 * Does work again that may be done twice, if the connection ends meanwhile. RabbitMQ ends one with an internal error at times because a
 * queue goes to which messages are on their way, and with it everything that others do on this connection. Rejects with an `MqError` that
 * says what failed.
 */
export async function persistently<T>(what: string, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (cause) {
      const error = operationError(cause, what)
      if (tries === maxTries || !isMqError(error, 'MQ_CONNECTION_LOST')) throw error
    }
  }
}
