import type { ConsumeOptions, Consumer, Delivery, Settlement } from '../../adapter.js'
import type { Adapter, GroupRef } from '../../index.js'
import { consumeOptions, done } from './raw.js'

/** A delivery that the adapter waits for until the case answers it. */
export interface HeldRun {
  readonly delivery: Delivery
  readonly id: string
  /** Whether the adapter still owns the message. */
  readonly aborted: boolean
  settle(settlement: Settlement): void
}

/** A consumer of the adapter itself, no run of which ends before the case says how. */
export interface HeldConsumer extends Consumer {
  /** In the order in which they started. */
  readonly runs: readonly HeldRun[]
  /** The ids of what was acknowledged at once. */
  readonly others: readonly string[]
}

export interface HoldOptions extends Partial<ConsumeOptions> {
  /** Only runs of this message are held; all others are acknowledged at once. */
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
    // Read at once, as core does for a handler that asks for it.
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
