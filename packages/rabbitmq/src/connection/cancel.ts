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

/** The consumers of each channel of which the broker has yet to say that they are cancelled. */
const awaited = new WeakMap<Channel, Set<unknown>>()

/**
 * Cancels a consumer. If its queue is deleted at that moment, the broker answers twice, as was seen with 3.10.8. The driver would take the
 * second answer for that of another request, or end the whole connection.
 */
export async function cancelConsumer(channel: Channel, consumerTag: string): Promise<void> {
  const tags = awaited.get(channel) ?? ignoreFurtherAnswers(channel)
  tags.add(consumerTag)
  await channel.cancel(consumerTag)
}

/** A channel may be used for many errands, so it gets one filter, which lets the first answer for each consumer through. */
function ignoreFurtherAnswers(channel: Channel): Set<unknown> {
  const tags = new Set<unknown>()
  awaited.set(channel, tags)
  const driver: unknown = channel
  if (!isAccepting(driver)) return tags
  const accept = driver.accept
  driver.accept = function (this: unknown, frame) {
    if (frame.id === cancelOk && !tags.delete(frame.fields.consumerTag)) return undefined
    return accept.call(this as Accepting, frame)
  }
  return tags
}
