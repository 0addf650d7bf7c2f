import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ConformanceOptions } from '@mq/core/conformance'
import { brokers, type Kind } from '../kinds.js'

export interface ConformanceSetting {
  /** A folder of its own for the report, where one adapter is held against the suite more than once: `cluster`. */
  readonly variant?: string
}

/**
 * How the adapters of this workspace are held against the suite: nothing required may be left out, unless the broker is one
 * from the environment. `MQ_TEST_LONG=1` runs the long cases too, `MQ_CONFORMANCE_SEED` repeats a run, and the reports lie in
 * `temp/conformance`.
 */
export function conformanceOptions(kind: Kind, { variant = '' }: ConformanceSetting = {}): ConformanceOptions {
  const seed = seedFromEnv()
  return {
    complete: kind === 'memory' || brokers.owned(kind),
    // One that is not ours cannot be started twice.
    ...(kind !== 'memory' && brokers.owned(kind) && { brokers: 3 }),
    long: process.env.MQ_TEST_LONG === '1',
    reportFolder: join(reports, variant),
    ...(seed !== undefined && { seed }),
  }
}

const reports = fileURLToPath(new URL('../../../../temp/conformance', import.meta.url))

function seedFromEnv(): number | undefined {
  const text = process.env.MQ_CONFORMANCE_SEED?.trim()
  if (text === undefined || text === '') return undefined
  const seed = Number(text)
  if (Number.isSafeInteger(seed) && seed >= 0) return seed
  throw new Error(`MQ_CONFORMANCE_SEED must be a whole number, as a report names it, not '${text}'`)
}
