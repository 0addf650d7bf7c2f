import type { ConsumeOptions, Consumer, Delivery, Settlement } from '../../adapter.js'
import type { Adapter, GroupRef } from '../../index.js'
import { consumeOptions, done } from './raw.js'

/** A delivery that stays unsettled until the case settles it. */
export interface HeldRun {
  readonly delivery: Delivery
  readonly id: string
  /** Whether the adapter still owns the message. */
  readonly aborted: boolean
  settle(settlement: Settlement): void
}

/** A consumer of the adapter itself whose runs end when the case settles them. */
export interface HeldConsumer extends Consumer {
  /** All held runs, in the order in which they started. */
  readonly runs: readonly HeldRun[]
  /** The ids of the messages that were acknowledged at once. */
  readonly others: readonly string[]
}

export interface HoldOptions extends Partial<ConsumeOptions> {
  /** The id of the only message to hold. All others are acknowledged at once. Default: every message is held. */
  readonly only?: string
}

export async function holdRuns(
  adapter: Adapter,
  ref: GroupRef,
  { only, ...options }: HoldOptions = {},
): Promise<HeldConsumer> {
  const runs: HeldRun[] = []
  const others: string[] = []
  const consumer = await adapter.consume(ref, { ...consumeOptions, ...options }, async (delivery) => {
    // The signal is read at once, as core does when a handler reads it.
    const { signal, message } = delivery
    if (only !== undefined && message.id !== only) {
      others.push(message.id)
      return done
    }
    return new Promise((resolve) => {
      runs.push({
        delivery,
        id: message.id,
        get aborted() {
          return signal.aborted
        },
        settle: resolve,
      })
    })
  })
  return { runs, others, stop: (deadline) => consumer.stop(deadline) }
}
