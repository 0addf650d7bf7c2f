import type { Channel } from 'amqplib'

interface Frame {
  readonly id: number
  readonly fields: { readonly consumerTag?: unknown }
}

interface Accepting {
  accept(frame: Frame): unknown
}

const isAccepting = (driver: unknown): driver is Accepting =>
  typeof (driver as Partial<Accepting>).accept === 'function'

/** The method `basic.cancel-ok`: its class, then its number. */
const cancelOk = (60 << 16) | 31

/**
 * Cancels a consumer. If its queue is deleted at that moment, the broker answers twice, as was seen with 3.10.8. The driver would take the
 * second answer for that of another request, or end the whole connection.
 */
export async function cancelConsumer(channel: Channel, consumerTag: string): Promise<void> {
  ignoreSecondAnswer(channel, consumerTag)
  await channel.cancel(consumerTag)
}

function ignoreSecondAnswer(channel: unknown, consumerTag: string): void {
  if (!isAccepting(channel)) return
  const accept = channel.accept
  let isAnswered = false
  channel.accept = function (this: unknown, frame) {
    const isAnswer = frame.id === cancelOk && frame.fields.consumerTag === consumerTag
    if (isAnswer && isAnswered) return undefined
    isAnswered ||= isAnswer
    return accept.call(this as Accepting, frame)
  }
}
