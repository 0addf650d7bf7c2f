import type { Delivery, Handle, Settlement } from '../contract/adapter.js'
import type { DeliveredMessage, Middleware, RunTrace } from '../contract/middleware.js'
import type { SettledEvent } from '../contract/queue.js'
import { isVoid, type RunSettings } from './run.js'

/** A `Handle` that is told where in a trace its run stands. */
export type TracedHandle = (delivery: Delivery, run?: RunTrace) => Promise<Settlement>

export interface ObservedSettings extends Pick<RunSettings, 'ref' | 'clock'> {
  readonly ephemeral: boolean
  /** Makes the event of a run that has ended. */
  readonly eventOf: (delivery: Delivery, settlement: Settlement, durationMs: number) => SettledEvent
  /** Called with an error that middleware has thrown. Never throws. */
  readonly onFault: (error: unknown) => void
}

type Observer = NonNullable<Middleware['settle']>

/**
 * Wraps `handle` in the middleware that observes it. A message is settled as `handle` decides, whatever the middleware does.
 * See docs/decisions/0012-telemetry-beside-core.md.
 */
export function observed(settings: ObservedSettings, middleware: readonly Middleware[], handle: TracedHandle): Handle {
  const observers = middleware.flatMap((layer): Observer | Observer[] => layer.settle?.bind(layer) ?? [])
  if (observers.length === 0) return (delivery) => handle(delivery)
  const { clock, ephemeral, eventOf, onFault } = settings
  const { topic, group } = settings.ref

  /** Calls the observer at that depth around those inside of it. Only what it asks for is awaited: most runs are short. */
  function observe(
    depth: number,
    delivery: Delivery,
    delivered: DeliveredMessage,
    run?: RunTrace,
  ): Promise<Settlement> {
    const observer = observers[depth]
    if (observer === undefined) return handle(delivery, run)
    let running: Promise<Settlement> | undefined
    const begun = (own: RunTrace | undefined = run): Promise<Settlement> => {
      running ??= observe(depth + 1, delivery, delivered, own)
      return running
    }
    const next = async (own?: RunTrace): Promise<SettledEvent> => {
      const startedAt = clock.monotonic()
      const settlement = await begun(own)
      // The adapter ignores the settlement of a void run.
      const shown: Settlement = isVoid(delivery) ? { kind: 'release' } : settlement
      return eventOf(delivery, shown, clock.monotonic() - startedAt)
    }
    let observing: Promise<void> | undefined
    try {
      observing = observer(delivered, next)?.catch(onFault)
    } catch (error) {
      onFault(error)
    }
    if (observing === undefined || running !== undefined) return begun()
    return observing.then(() => begun())
  }

  return (delivery) => {
    const { message, attempt, failure } = delivery
    return observe(0, delivery, { topic, group, message, attempt, failure, ephemeral })
  }
}
