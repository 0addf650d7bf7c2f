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

export interface RunOptions {
  /** Ids, or beginnings of ids: `DLQ` means all of that chapter. All cases where none are given. */
  readonly only?: readonly string[]
  /** Runs the long cases too. */
  readonly long?: boolean
  /** A required case that cannot be run makes the report not hold. */
  readonly complete?: boolean
  /** Cases at a time. 8 where none is given. */
  readonly parallel?: number
  /**
   * How often `start` may be called, 1 where nothing is given. With more, the cases that hurt their broker have all but the
   * first of them to themselves and run side by side. Only for a `start` that starts a broker of its own each time.
   */
  readonly brokers?: number
  /** A random one where none is given; the report names it. */
  readonly seed?: number
  /** Told of each case when it has ended. */
  readonly onResult?: (result: CaseResult) => void
}

/**
 * Holds an adapter against the suite without a test runner. Resolves also when promises are broken: `holds` tells.
 * Rejects where the adapter cannot be loaded or its broker not be started.
 */
export async function runConformance<Started extends StartedBroker>(
  subject: Subject<Started>,
  options: RunOptions = {},
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

/** Those that run side by side first: the others need a broker to themselves. */
function casesFor(only: readonly string[] | undefined): readonly ConformanceCase[] {
  const chosen = allCases.filter(({ id }) => only === undefined || only.some((start) => isChosen(id, start)))
  return [...chosen.filter((one) => !one.alone), ...chosen.filter((one) => one.alone)]
}

const isChosen = (id: string, start: string): boolean => id === start || id.startsWith(`${start}-`)

/** One run of the suite over one subject. A broker is started when the first case needs it. */
export function createSession(loaded: LoadedSubject, options: RunOptions) {
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
