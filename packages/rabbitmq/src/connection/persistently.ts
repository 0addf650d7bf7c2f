import { isMqError } from '@mq/core/adapter'

/** How often some work is begun if the connection ends each time. Core limits the time of all tries. */
const maxTries = 3

/**
 * Does work again that may be done twice, if the connection ends meanwhile. RabbitMQ ends one with an internal error at times because a
 * queue goes to which messages are on their way, and with it everything that others do on this connection.
 */
export async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (tries === maxTries || !isMqError(error, 'MQ_CONNECTION_LOST')) throw error
    }
  }
}
