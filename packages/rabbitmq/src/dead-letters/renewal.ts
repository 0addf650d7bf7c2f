import type { GroupRef } from '@mq/core/adapter'
import type { Message } from 'amqplib'
import { type Copier, copyProperties } from '../wire/copy.js'
import { deadLetterOf } from './entry.js'

/**
 * An entry that was delivered so many times is replaced by a copy before it is put back. Brokers before 4.3 count each time that an entry is
 * looked at, and drop it once it exceeds a delivery limit, which a policy may set below ours.
 */
const maxDeliveries = 3

/** How long storing a copy may take. Looking at entries must not fail because nothing can be stored. */
const renewMs = 2_000

/** Creates the function that stores a copy of an entry if it needs one. It resolves with whether it did. */
export function createRenewal(ref: GroupRef, copy: Copier) {
  let isHopeless = false

  return async (message: Message): Promise<boolean> => {
    const count: unknown = message.properties.headers?.['x-delivery-count']
    if (isHopeless || typeof count !== 'number' || count < maxDeliveries) return false
    const { entryId, message: original, failure } = deadLetterOf(message, ref.topic)
    const properties = copyProperties(message, { message: original, failure, entryId })
    const copying = copy({
      ref,
      from: 'dead',
      queue: 'dead',
      delayMs: 0,
      content: message.content,
      properties,
      isOptional: true,
    })
    const timer = setTimeout(() => {
      isHopeless = true
      copying.abandon()
    }, renewMs)
    const result = await copying.result
    clearTimeout(timer)
    return result === 'stored'
  }
}
