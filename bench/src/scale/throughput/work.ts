import type { Workload } from '../../measure.js'
import type { Sizes } from '../sizes.js'

/** Bytes that may be on their way at a time. */
const maxInFlightBytes = 32 * 2 ** 20
/** Bytes that one measurement publishes at most. */
const maxTotalBytes = 256 * 2 ** 20
/** Messages of a measurement for each that is on its way, because a broker answers few of them as slowly as many. */
const perInFlight = 2_000
const defaultInFlight = 100

interface Wanted {
  readonly bytes?: number
  readonly inFlight?: number
  readonly latencyMs?: number
}

/** Returns the work of one measurement, bounded so that large bodies and few messages in flight take no longer than the others. */
export function workOf(sizes: Sizes, wanted: Wanted = {}): Workload {
  const { bytes = sizes.bytes, inFlight = defaultInFlight, latencyMs = 0 } = wanted
  const messages = Math.min(sizes.messages, Math.ceil(maxTotalBytes / bytes), perInFlight * inFlight)
  return {
    messages: Math.ceil(messages),
    bytes,
    inFlight: Math.max(1, Math.min(inFlight, Math.floor(maxInFlightBytes / bytes))),
    perSecond: 200,
    latencyMs,
  }
}
