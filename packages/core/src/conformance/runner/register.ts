import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { chapters } from '../cases/index.js'
import type { ConformanceCase } from '../kit/case.js'
import type { StartedBroker, Subject } from '../subject.js'
import { loadSubject } from './environment.js'
import { type Lane, laneOf } from './lanes.js'
import { type CaseResult, isOmission } from './report.js'
import { jsonReport, markdownMatrix, textReport } from './report-formats.js'
import { createSession, defaultParallel, type RunConformanceOptions } from './run.js'
import { caseTimeoutMs, withoutRun } from './run-case.js'
import { createLookAhead, type Job } from './turns.js'

/**
 * The functions of vitest, `node:test`, mocha or jest. `{ describe, it }` is enough. With `after` or `afterAll` the broker is
 * stopped there, and not in the last test, which a filter may leave out.
 */
export interface Runner {
  describe(name: string, register: () => void): unknown
  readonly it: It
  after?(work: () => Promise<void>): unknown
  afterAll?(work: () => Promise<void>, timeoutMs?: number): unknown
}

export interface It {
  (name: string, run: () => Promise<void>, timeoutMs?: number): unknown
  skip(name: string, run: () => Promise<void>): unknown
}

export interface ConformanceOptions extends Omit<RunConformanceOptions, 'only' | 'onResult'> {
  /** A folder for the report, as `<adapter>.txt`, `.json` and `.md`. Default: no report is written. */
  readonly reportFolder?: string
}

/** The time that a case may wait for its turn and for the start of the broker, on top of its own timeout. */
const startMs = 180_000

/**
 * Registers a test for each case. Resolves once all are registered, so await it at the top of the file. A case that does not
 * apply or cannot run is a skipped test with the reason in its name. With `complete`, a required case that cannot run fails.
 *
 * Rejects if the adapter cannot be loaded.
 */
export async function conformance<Started extends StartedBroker>(
  runner: Runner,
  subject: Subject<Started>,
  options: ConformanceOptions = {},
): Promise<void> {
  const loaded = await loadSubject(subject as Subject)
  const session = createSession(loaded, options)
  const results: CaseResult[] = []
  const startedAt = performance.now()
  const jobs: Job<CaseResult>[] = []
  const hasApart = (options.brokers ?? 1) > 1
  const ahead = createLookAhead(jobs, (options.parallel ?? defaultParallel) - 1)

  const finish = async (): Promise<void> => {
    // With a filter, cases may have begun that the runner leaves out.
    await ahead.close()
    await session.close()
    if (options.reportFolder === undefined || results.length === 0) return
    const report = await session.report(results, performance.now() - startedAt)
    const file = join(options.reportFolder, loaded.name)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(`${file}.txt`, `${textReport(report)}\n`)
    await writeFile(`${file}.json`, jsonReport(report))
    await writeFile(`${file}.md`, markdownMatrix([report]))
  }

  const register = (one: ConformanceCase): void => {
    const name = `${one.id} ${one.title}`
    const left = withoutRun(one, loaded, options)
    if (left === undefined) {
      const isApart = hasApart && laneOf(one) === 'apart'
      const index = jobs.push({ run: () => session.run(one), isApart }) - 1
      const run = async (): Promise<void> => {
        const result = await ahead.request(index)
        results.push(result)
        if (result.error !== undefined) throw result.error
        if (options.complete && isOmission(result)) throw new Error(result.reason)
      }
      registerTest(runner.it, name, run, caseTimeoutMs(one, loaded.capabilities, options.patience ?? 1) + startMs)
      return
    }
    results.push(left)
    const why = `${name} (${left.status}: ${left.reason})`
    if (options.complete && isOmission(left)) runner.it(why, () => Promise.reject(new Error(left.reason)))
    else runner.it.skip(why, async () => {})
  }

  const registerChapter = (name: string, cases: readonly ConformanceCase[]): void => {
    if (cases.length > 0) runner.describe(name, () => cases.forEach(register))
  }
  const registerLane = (lane: Lane): void => {
    for (const { name, cases } of chapters) {
      registerChapter(
        name,
        cases.filter((one) => laneOf(one) === lane),
      )
    }
  }

  runner.describe(`conformance of ${loaded.name} (seed ${session.seed})`, () => {
    registerLane('shared')
    runner.describe('alone', () => registerLane('apart'))
    runner.describe('alone in its process', () => registerLane('process'))
    const end = withTimeout(finish, startMs)
    if (runner.afterAll !== undefined) runner.afterAll(end, startMs)
    else if (runner.after !== undefined) runner.after(end)
    else registerTest(runner.it, 'the broker is stopped', finish, startMs)
  })
}

function registerTest(it: It, name: string, run: () => Promise<void>, timeoutMs: number): void {
  it(name, withTimeout(run, timeoutMs), timeoutMs)
}

/** Returns a function for a test or a hook. mocha takes its timeout from `this`; node:test has none of its own. */
function withTimeout(run: () => Promise<void>, timeoutMs: number): () => Promise<void> {
  const work = function (this: { timeout?(ms: number): void } | undefined): Promise<void> {
    this?.timeout?.(timeoutMs)
    return run()
  }
  return work as () => Promise<void>
}
