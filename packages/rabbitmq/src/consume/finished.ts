import { createHash } from 'node:crypto'
import type { Message, MessageProperties } from 'amqplib'
import { propertiesHash } from '../wire/fingerprint.js'
import { attributeOf } from '../wire/headers.js'

// See docs/decisions/0034-rabbitmq-finished-messages.md.

/** The most messages that a process remembers, of all groups together. */
const maxRemembered = 10_000

/** Messages of this process that are finished, and whose acknowledgements may not have reached the broker. The oldest come first. */
const remembered = new Set<string>()

function remember(key: string): void {
  remembered.delete(key)
  remembered.add(key)
  if (remembered.size <= maxRemembered) return
  for (const oldest of remembered) {
    remembered.delete(oldest)
    return
  }
}

/** The part of a finished message that tells it from others. The bytes of its body are not kept. */
interface Trace {
  readonly properties: MessageProperties
  readonly body: number | string
}

/**
 * Creates the record of the messages that one session has finished. At most `prefetch` acknowledgements can be lost with a channel, because
 * the broker delivers no more before it has taken the earlier ones. `place` names the queue and its broker.
 */
export function createFinished(place: string, prefetch: number) {
  // Twice as many, as messages that end in one turn are acknowledged in another order.
  const size = 2 * prefetch
  const latest: Trace[] = []
  let next = 0
  let isOver = false

  const keyOf = ({ properties, body }: Trace): string =>
    propertiesHash(properties).update(`${body} ${place}`).digest('base64')

  return {
    /** Notes a message that is acknowledged because it is finished. It may be called after `end`. */
    add(message: Message): void {
      const trace = traceOf(message)
      if (trace === undefined) return
      if (isOver) {
        remember(keyOf(trace))
        return
      }
      latest[next] = trace
      next = (next + 1) % size
    },
    /** Says whether this process has finished a message that comes again. */
    has(message: Message): boolean {
      if (!message.fields.redelivered || remembered.size === 0) return false
      const trace = traceOf(message)
      return trace !== undefined && remembered.has(keyOf(trace))
    },
    /** Remembers the latest messages beyond the end of the channel, except for those that are equal to one that was not finished. */
    end(unfinished: Iterable<Message>): void {
      if (isOver) return
      isOver = true
      for (const trace of latest.splice(0)) remember(keyOf(trace))
      for (const message of unfinished) {
        const trace = traceOf(message)
        if (trace !== undefined) remembered.delete(keyOf(trace))
      }
    },
  }
}

export type Finished = ReturnType<typeof createFinished>

/** Returns undefined for a message without an id. Another one that equals it may be unfinished in another process. */
function traceOf({ properties, content }: Message): Trace | undefined {
  const { messageId, headers = {} } = properties
  if (!messageId && !hasAttribute(headers, 'id')) return undefined
  // Without a time, some programs give all messages the same id.
  const body = hasAttribute(headers, 'time') ? content.length : createHash('sha256').update(content).digest('base64')
  return { properties, body }
}

function hasAttribute(headers: object, attribute: string): boolean {
  for (const name in headers) if (attributeOf(name) === attribute) return true
  return false
}
