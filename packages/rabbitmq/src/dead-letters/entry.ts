import { type Failure, failureSince, type RawDeadLetter } from '@mq/core/adapter'
import type { Message } from 'amqplib'
import { entryOf } from '../wire/copy.js'
import { decode, maxTimestamp } from '../wire/decode.js'
import { propertiesHash } from '../wire/fingerprint.js'
import { textValue } from '../wire/headers.js'

/** Reads a message of a dead-letter queue. */
export function deadLetterOf(message: Message, topic: string): RawDeadLetter {
  const decoded = decode(message, topic)
  // Without an entry id of this adapter the broker dead-lettered it; a failure it carries is that of an earlier attempt.
  const isOurs = entryOf(message) !== undefined && decoded.failure !== undefined
  const failure = isOurs && decoded.failure ? decoded.failure : brokerFailure(message, decoded.failure)
  return { entryId: entryIdOf(message), message: decoded.message, failure }
}

/** Returns the id of an entry. If the broker dead-lettered it, the id is a hash of everything that redeliveries do not change. */
export function entryIdOf(message: Message): string {
  const entry = entryOf(message)
  if (entry !== undefined) return entry
  const hash = propertiesHash(message.properties).update(message.content)
  return `broker-${hash.digest('hex').slice(0, 32)}`
}

function brokerFailure({ properties }: Message, previous: Failure | undefined): Failure {
  const headers = properties.headers ?? {}
  const death: unknown = Array.isArray(headers['x-death']) ? headers['x-death'][0] : undefined
  const { reason, time } = (death ?? {}) as { reason?: unknown; time?: { value?: unknown } | null }
  // Another program may have written any of these.
  const why = (textValue(reason) ?? textValue(headers['x-first-death-reason']) ?? 'unknown').slice(0, 100)
  const seconds = time?.value
  const isTime = typeof seconds === 'number' && seconds >= 0 && seconds <= maxTimestamp
  const at = isTime ? seconds * 1_000 : Date.now()
  return {
    reason: 'broker',
    error: { name: 'RabbitMQ', message: `RabbitMQ dead-lettered the message by itself: ${why}`, code: why },
    attempts: previous?.attempts ?? 0,
    firstFailedAt: failureSince({ failure: previous })?.firstFailedAt ?? at,
    failedAt: at,
  }
}
