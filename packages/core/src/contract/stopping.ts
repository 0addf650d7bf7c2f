import { requireOptions } from './checks/options.js'
import { requireDuration } from './checks/values.js'

/** How much later than its time limit an adapter may stop or disconnect before core no longer waits for it. */
export const stopGraceMs = 5_000

/**
 * Returns the time limit of a `stop` or a `disconnect`. Throws a `TypeError` or `MQ_INVALID_OPTION` if `options` make no sense.
 */
export function stopTimeout(options: { readonly timeoutMs?: number | undefined }, fallbackMs: number): number {
  requireOptions(options, 'The options of stop')
  return options.timeoutMs === undefined ? fallbackMs : requireDuration(options.timeoutMs, 'timeoutMs')
}
