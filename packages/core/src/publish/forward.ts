import { shown } from '../contract/checks/shown.js'
import type { MqError } from '../contract/errors.js'
import type { OutgoingMessage } from '../contract/message.js'
import type { PublishOptions, PublishOutcome } from '../contract/publish-options.js'
import type { Queue } from '../contract/queue.js'
import { type Encoded, type EncodeSettings, encodedOf } from './encode.js'
import type { createSend } from './send.js'

/** The limits of a call that forwards messages. */
export type ForwardOptions = Pick<PublishOptions, 'timeoutMs' | 'signal'>

type Forward = (
  topic: string,
  messages: readonly OutgoingMessage[],
  options: ForwardOptions,
) => Promise<readonly PublishOutcome[]>

/** Under this name a queue keeps the function, for all copies of this package. */
const name = Symbol.for('@mq/core forward 1')

/** Lets `forward` send messages by this queue. */
export function allowForward(queue: Queue, forwarding: Forward): void {
  Object.defineProperty(queue, name, { value: forwarding })
}

/**
 * Sends messages that were encoded before, by a relay for example, as they are: with their ids and times, past middleware and schemas. It
 * resolves with one outcome for each message, in the order given. A message that the adapter can never take is rejected with
 * `MQ_MESSAGE_TOO_LARGE` or `MQ_NOT_SUPPORTED`, and the others are sent.
 *
 * Throws a `TypeError` if the queue was not made by `createQueue`, and `MQ_NOT_CONNECTED`, `MQ_CLOSED` or `MQ_BACKPRESSURE` before anything
 * is sent.
 */
export async function forward(
  queue: Queue,
  topic: string,
  messages: readonly OutgoingMessage[],
  options: ForwardOptions = {},
): Promise<readonly PublishOutcome[]> {
  const forwarding = (queue as { readonly [name]?: Forward } | null | undefined)?.[name]
  if (forwarding === undefined) throw new TypeError(`forward takes a queue of createQueue, not ${shown(queue)}`)
  return await forwarding(topic, messages, options)
}

/** Creates the function that a queue keeps. */
export const forwarder =
  (settings: Pick<EncodeSettings, 'adapter'>, send: ReturnType<typeof createSend>): Forward =>
  async (topic, messages, options) => {
    const outcomes: PublishOutcome[] = []
    const sent: Encoded[] = []
    const places: number[] = []
    for (const [index, message] of messages.entries()) {
      try {
        sent.push(encodedOf(settings, topic, message))
        places.push(index)
      } catch (error) {
        outcomes[index] = { status: 'rejected', id: message.id, error: error as MqError }
      }
    }
    const answers = sent.length === 0 ? [] : await send(topic, sent, options)
    for (const [index, place] of places.entries()) {
      outcomes[place] = answers[index] as PublishOutcome
    }
    return outcomes
  }
