import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ConformanceOptions } from '@mq/core/conformance'
import { brokers, type Kind } from '../kinds.js'

/** Whether `MQ_TEST_CLUSTER=1` asks for the suite on clusters of three nodes. */
export const isCluster = (): boolean => process.env.MQ_TEST_CLUSTER === '1'

/**
 * Returns the suite's options for the adapters of this workspace. No required case may be left out, unless the broker is from
 * the environment or a cluster. `MQ_TEST_LONG=1` also runs the long cases, `MQ_CONFORMANCE_SEED` repeats a run, and the reports are
 * in `temp/conformance`, those of clusters in its folder `cluster`.
 */
export function conformanceOptions(kind: Kind): ConformanceOptions {
  const seed = seedFromEnv()
  const isSingle = kind !== 'memory' && brokers.owned(kind) && !isCluster()
  return {
    complete: kind === 'memory' || isSingle,
    // A broker from the environment cannot be started twice, and three clusters are too much for one machine.
    ...(isSingle && { brokers: 3 }),
    // Other test files and their brokers run beside it, on as few as two processors.
    ...(kind !== 'memory' && { patience: 3 }),
    long: process.env.MQ_TEST_LONG === '1',
    reportFolder: isCluster() ? join(reports, 'cluster') : reports,
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
