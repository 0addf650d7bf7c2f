import type { Middleware, Queue } from '@mq/core'
import { requireGroups, requireTimeout, type WatchedGroup, watchGroups } from './gauges.js'
import { createProcessing } from './processing.js'
import { type ProviderOptions, telemetryOf } from './providers.js'
import { createSending } from './sending.js'
import { countTrouble } from './trouble.js'

export interface InstrumentOptions extends ProviderOptions {
  /**
   * The groups whose ready, delayed, retrying, dead and running messages are measured. Each collection asks the broker for them, so name
   * them in one process of each group. Default: none.
   */
  readonly groups?: readonly WatchedGroup[] | undefined
  /**
   * How long a collection waits for the broker's answers about groups. Those without one count as unknown. Keep it below the timeout of
   * whoever collects, which is 10 s in Prometheus: nothing is measured in a collection that takes longer. Default: 5 s.
   */
  readonly timeoutMs?: number | undefined
}

export interface Instrumentation {
  /** Ends the measurements of groups and of trouble, for a process that goes on without the queue. */
  stop(): void
}

const optionNames: readonly string[] = [
  'tracerProvider',
  'meterProvider',
  'groups',
  'timeoutMs',
] satisfies (keyof InstrumentOptions)[]

/**
 * Traces and measures what the queue publishes and handles from now on, so call it before you subscribe. The providers are the global
 * ones unless the options name others. Start the SDK first: a meter provider that is registered later gets nothing.
 *
 * Throws a `TypeError` if an option is unknown or has a bad value.
 */
export function instrument(queue: Queue, options: InstrumentOptions = {}): Instrumentation {
  const { groups = [], timeoutMs = 5_000, ...providers } = options
  const unknown = Object.keys(options).find((name) => !optionNames.includes(name))
  if (unknown !== undefined)
    throw new TypeError(`instrument has no option '${unknown}'. Known: ${optionNames.join(', ')}`)
  requireGroups(groups)
  requireTimeout(timeoutMs)
  const telemetry = telemetryOf(queue.type, providers)
  const sending = createSending(telemetry)
  // The types have no optional getter; the queue reads `publish` at each publish.
  const middleware: Middleware = { settle: createProcessing(telemetry) }
  queue.use(Object.defineProperty(middleware, 'publish', { get: sending, enumerable: true }))

  const { meters } = telemetry
  if (meters === undefined) return { stop: () => {} }
  const ends = [watchGroups(queue, meters.meter, { groups, timeoutMs }), countTrouble(queue, meters.meter)]
  return {
    stop: () => {
      for (const end of ends.splice(0)) end()
    },
  }
}
