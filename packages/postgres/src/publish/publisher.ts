import { type OutgoingMessage, type PublishCall, pendingPublishes, type StoreOutcome } from '@mq/core/adapter'
import { headOf } from '../wire/row.js'
import type { BatchSenderParts, Parcel } from './batch.js'
import type { BlockedReporter } from './blocked.js'
import { Outbox } from './outbox.js'

export interface PublisherParts extends Omit<BatchSenderParts, 'topic'> {
  readonly blocked: BlockedReporter
}

export type Publisher = ReturnType<typeof createPublisher>

/** Creates the publisher of all topics. Each of its calls ends in time. */
export function createPublisher(parts: PublisherParts) {
  const outboxes = new Map<string, Outbox>()
  const pending = pendingPublishes<Parcel>({
    late: ({ maybeStored }) => ({
      why: maybeStored
        ? 'PostgreSQL gave no answer in time'
        : parts.blocked.isBlocked
          ? 'PostgreSQL takes no messages for now'
          : 'PostgreSQL could not be reached in time',
    }),
    onSweep: (givenUp) => {
      if (givenUp > 0) for (const outbox of outboxes.values()) outbox.forgetSettled()
    },
  })
  let count = 0

  function outboxOf(topic: string): Outbox {
    let outbox = outboxes.get(topic)
    if (outbox === undefined) {
      outbox = new Outbox({ ...parts, topic, onEmpty: () => void outboxes.delete(topic) })
      outboxes.set(topic, outbox)
    }
    return outbox
  }

  return {
    publish(topic: string, messages: readonly OutgoingMessage[], call: PublishCall): Promise<readonly StoreOutcome[]> {
      const outbox = outboxOf(topic)
      return pending.add(call, messages.length, (pendingCall, index) => {
        const message = messages[index] as OutgoingMessage
        const { id, key, body, delayMs = 0 } = message
        const head = headOf(message)
        const parcel: Parcel = {
          call: pendingCall,
          index,
          number: count++,
          id,
          key,
          head,
          body,
          delayMs,
          maybeStored: false,
        }
        outbox.add(parcel)
        return parcel
      })
    },
    /** Waits until no call is pending, or for the time given. Then gives up the rest. */
    async close(timeoutMs: number): Promise<void> {
      await pending.close(timeoutMs)
      for (const outbox of outboxes.values()) outbox.close()
    },
  }
}
