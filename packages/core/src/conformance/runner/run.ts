import { randomInt } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { allCases } from '../cases/index.js'
import type { ConformanceCase } from '../kit/case.js'
import type { StartedBroker, Subject } from '../subject.js'
import { type LoadedSubject, loadSubject } from './environment.js'
import { createEnvironments } from './environments.js'
import { type Lane, laneOf } from './lanes.js'
import { type CaseResult, type ConformanceReport, holds } from './report.js'
import { runCase, withoutRun } from './run-case.js'
import { suiteVersion } from './suite-version.js'

export interface RunConformanceOptions {
  /** Ids of cases, or letters of chapters: `DLQ` means all cases of that chapter. Default: all cases. */
  readonly only?: readonly string[]
  /** Also runs the long cases. Default: false. */
  readonly long?: boolean
  /** Lets a required case that cannot run count as a failure. Default: false. */
  readonly complete?: boolean
  /** The number of cases that run side by side on one broker. Default: 8. */
  readonly parallel?: number
  /**
   * The number of times that `start` may be called. With more than one, the cases that disturb their broker use all but the
   * first, beside those that use that one. Only for a `start` that starts another broker each time. Default: 1.
   */
  readonly brokers?: number
  /**
   * How many times as long as usual a case waits for what it does not measure, before it fails. For a machine that does much else
   * meanwhile. What is promised within a time is never given more. Default: 1.
   */
  readonly patience?: number
  /** The seed of all random choices, which the report names. Default: a random one. */
  readonly seed?: number
  /** Gets the result of each case when it has ended. */
  readonly onResult?: (result: CaseResult) => void
}

/**
 * Tests an adapter with the suite, without a test runner. Also resolves if promises are broken; `holds` is false then.
 * Rejects if the adapter cannot be loaded or its broker cannot be started.
 */
export async function runConformance<Started extends StartedBroker>(
  subject: Subject<Started>,
  options: RunConformanceOptions = {},
): Promise<ConformanceReport> {
  const loaded = await loadSubject(subject as Subject)
  const session = createSession(loaded, options)
  const cases = casesFor(options.only)
  const results: CaseResult[] = new Array(cases.length)
  const startedAt = performance.now()
  const { parallel = defaultParallel, brokers = 1 } = options
  const lanes: Record<Lane, number[]> = { shared: [], apart: [], process: [] }
  for (const [index, one] of cases.entries()) lanes[laneOf(one)].push(index)
  /** Runs what is left of a lane, so many cases at a time. */
  const run = async (lane: Lane, count: number): Promise<void> => {
    const runner = async (): Promise<void> => {
      for (let index = lanes[lane].shift(); index !== undefined; index = lanes[lane].shift()) {
        const result = await session.run(cases[index] as ConformanceCase)
        results[index] = result
        options.onResult?.(result)
      }
    }
    await Promise.all(Array.from({ length: count }, runner))
  }
  try {
    await Promise.all([run('shared', parallel), run('apart', brokers - 1)])
    // With one broker they come after the others.
    await run('apart', parallel)
    await run('process', 1)
    return session.report(results, performance.now() - startedAt)
  } finally {
    await session.close()
  }
}

export const defaultParallel = 8

const casesFor = (only: readonly string[] | undefined): readonly ConformanceCase[] =>
  allCases.filter(({ id }) => only === undefined || only.some((start) => isChosen(id, start)))

const isChosen = (id: string, start: string): boolean => id === start || id.startsWith(`${start}-`)

/** Creates a run of the suite over one subject. A broker starts when a case first needs it. */
export function createSession(loaded: LoadedSubject, options: RunConformanceOptions) {
  const environments = createEnvironments(loaded, options.brokers ?? 1)
  const seed = options.seed ?? randomInt(2 ** 32)
  const runId = randomInt(36 ** 6)
    .toString(36)
    .padStart(6, '0')
  const quietMs = loaded.subject.quietMs ?? 400
  const patience = options.patience ?? 1
  const begun = new Date()

  return {
    seed,
    async run(one: ConformanceCase): Promise<CaseResult> {
      const left = withoutRun(one, loaded, options)
      if (left !== undefined) return left
      return environments.take(one.alone, (environment) =>
        runCase(one, { environment, runId, seed, quietMs, patience }),
      )
    },
    async report(results: readonly CaseResult[], durationMs: number): Promise<ConformanceReport> {
      const broker = await environments.broker()
      return {
        suite: suiteVersion(),
        adapter: loaded.name,
        ...(broker !== undefined && { broker }),
        node: process.versions.node,
        capabilities: loaded.capabilities,
        seed,
        startedAt: begun.toISOString(),
        durationMs: Math.round(durationMs),
        results,
        holds: holds(results, options.complete === true),
      }
    },
    close: environments.close,
  }
}
