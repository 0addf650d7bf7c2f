import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ConformanceOptions } from '@mq/core/conformance'
import { brokers, type Kind } from '../kinds.js'

export interface ConformanceSetting {
  /** A separate folder for the report if one adapter is tested more than once, such as `cluster`. */
  readonly variant?: string
}

/**
 * Returns the suite's options for the adapters of this workspace. No required case may be left out, unless the broker is from
 * the environment. `MQ_TEST_LONG=1` also runs the long cases, `MQ_CONFORMANCE_SEED` repeats a run, and the reports are in
 * `temp/conformance`.
 */
export function conformanceOptions(kind: Kind, { variant = '' }: ConformanceSetting = {}): ConformanceOptions {
  const seed = seedFromEnv()
  return {
    complete: kind === 'memory' || brokers.owned(kind),
    // A broker from the environment cannot be started twice.
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
  throw new Error(`MQ_CONFORMANCE_SEED must be a whole number, as in a report, not '${text}'`)
}
