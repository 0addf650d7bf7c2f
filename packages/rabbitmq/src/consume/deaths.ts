import type { Message } from 'amqplib'
import { unreadableHeadersOf } from '../wire/headers.js'
import { fieldsOf } from '../wire/raw-table.js'

/**
 * Returns whether the broker might be unable to dead-letter a message out of this queue. RabbitMQ 3.10 extends `x-death` without checking
 * what another program wrote there. If that fails, the node dead-letters nothing any more: no message leaves a delay queue.
 */
export function hasForgedDeaths(message: Message, queue: string): boolean {
  const undecoded = unreadableHeadersOf(message)
  // A field of an unknown type has no name, and hides what comes after it.
  if (undecoded !== undefined) return fieldsOf(undecoded).some(({ name }) => name === 'x-death' || name === '')
  const deaths: unknown = message.properties.headers?.['x-death']
  return Array.isArray(deaths) && !deaths.every((death) => isDeathElsewhere(death, queue))
}

/** The broker extends only the entry of the same queue. The driver marks values that are no tables with `!`. */
function isDeathElsewhere(death: unknown, queue: string): boolean {
  if (typeof death !== 'object' || death === null || Array.isArray(death) || Buffer.isBuffer(death)) return false
  return !('!' in death) && !('queue' in death && death.queue === queue)
}
