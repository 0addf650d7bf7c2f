import { randomInt } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { allCases } from '../cases/index.js'
import type { ConformanceCase } from '../kit/case.js'
import type { StartedBroker, Subject } from '../subject.js'
import { type LoadedSubject, loadSubject } from './environment.js'
import { createEnvironments } from './environments.js'
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
  /** The number of concurrent cases. Default: 8. */
  readonly parallel?: number
  /**
   * The number of times that `start` may be called. With more than one, the cases that disturb their broker use all but the
   * first and run concurrently. Only for a `start` that starts another broker each time. Default: 1.
   */
  readonly brokers?: number
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
  let next = 0
  const runner = async (): Promise<void> => {
    while (next < cases.length) {
      const index = next++
      const result = await session.run(cases[index] as ConformanceCase)
      results[index] = result
      options.onResult?.(result)
    }
  }
  try {
    await Promise.all(Array.from({ length: options.parallel ?? defaultParallel }, runner))
    return session.report(results, performance.now() - startedAt)
  } finally {
    await session.close()
  }
}

export const defaultParallel = 8

/** Returns the chosen cases. Those that share a broker come first. */
function casesFor(only: readonly string[] | undefined): readonly ConformanceCase[] {
  const chosen = allCases.filter(({ id }) => only === undefined || only.some((start) => isChosen(id, start)))
  return [...chosen.filter((one) => !one.alone), ...chosen.filter((one) => one.alone)]
}

const isChosen = (id: string, start: string): boolean => id === start || id.startsWith(`${start}-`)

/** Creates a run of the suite over one subject. A broker starts when a case first needs it. */
export function createSession(loaded: LoadedSubject, options: RunConformanceOptions) {
  const environments = createEnvironments(loaded, options.brokers ?? 1)
  const seed = options.seed ?? randomInt(2 ** 32)
  const runId = randomInt(36 ** 6)
    .toString(36)
    .padStart(6, '0')
  const quietMs = loaded.subject.quietMs ?? 400
  const begun = new Date()

  return {
    seed,
    async run(one: ConformanceCase): Promise<CaseResult> {
      const left = withoutRun(one, loaded, options)
      if (left !== undefined) return left
      return environments.take(one.alone, (environment) => runCase(one, { environment, runId, seed, quietMs }))
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
