import { performance } from 'node:perf_hooks'
import { type Capabilities, withTimeout } from '../../adapter.js'
import type { ConformanceCase } from '../kit/case.js'
import { createKit, type KitOptions } from '../kit/create-kit.js'
import { reasonOf } from '../kit/failure-text.js'
import { createMeasurements, NotRun } from '../kit/measurements.js'
import type { LoadedSubject } from './environment.js'
import type { CaseResult } from './report.js'
import { watchProcess } from './watch-process.js'

const defaultCaseMs = 30_000
const closeMs = 20_000
const recoverMs = 200_000

export function caseTimeoutMs(
  { timeoutMs = defaultCaseMs }: ConformanceCase,
  capabilities: Capabilities,
  patience = 1,
): number {
  return patience * (typeof timeoutMs === 'number' ? timeoutMs : timeoutMs(capabilities))
}

export interface Selection {
  /** Runs the long cases too. */
  readonly long?: boolean
}

/** Returns the result of a case that cannot run, or undefined if it can. */
export function withoutRun(one: ConformanceCase, loaded: LoadedSubject, { long }: Selection): CaseResult | undefined {
  const head = headOf(one)
  const reason = one.unless?.(loaded.capabilities)
  if (reason !== undefined) return { ...head, status: 'not applicable', reason, durationMs: 0 }
  const missing = loaded.missing(one.needs ?? [])
  if (missing.length > 0) {
    const needs = missing.map((need) => (need === 'worker' ? 'startWorker' : `faults.${need}`)).join(', ')
    // No other process can disturb an embedded broker, end it, or write past its adapter.
    if (loaded.capabilities.embedded)
      return { ...head, status: 'not applicable', reason: `it is embedded; there is no ${needs}`, durationMs: 0 }
    return { ...head, status: 'not run', reason: `the subject has no ${needs}`, durationMs: 0 }
  }
  if (one.long && !long) return { ...head, status: 'not run', reason: 'it is long', durationMs: 0 }
  return undefined
}

const headOf = ({ id, title, promises, level, long, refusal }: ConformanceCase) => ({
  id,
  title,
  promises,
  level,
  ...(long && { long }),
  ...(refusal && { refusal }),
})

export type CaseContext = Omit<KitOptions, 'caseId' | 'measurements'>

/**
 * Runs one case, then recovers the broker and closes everything that the case opened. Never rejects: the result has the
 * error.
 */
export async function runCase(one: ConformanceCase, context: CaseContext): Promise<CaseResult> {
  const startedAt = performance.now()
  const measurements = createMeasurements()
  const error = await attempt(one, { ...context, measurements })
  const figures = measurements.figures()
  const took = { durationMs: Math.round(performance.now() - startedAt), ...(figures && { figures }) }
  if (error === undefined) return { ...headOf(one), ...measurements.verdict(), ...took }
  if (error instanceof NotRun) return { ...headOf(one), status: 'not run', reason: error.message, ...took }
  return { ...headOf(one), status: 'failed', reason: reasonOf(error), error, ...took }
}

async function attempt(one: ConformanceCase, context: Omit<KitOptions, 'caseId'>): Promise<Error | undefined> {
  const kit = createKit({ ...context, caseId: one.id })
  // With several running cases it is not known whose a rejection is.
  const unhandled = one.alone ? watchProcess(['unhandledRejection']) : undefined
  const errors: unknown[] = []
  const step = (work: Promise<unknown>, ms: number, what: string): Promise<unknown> =>
    withTimeout(work, ms, () => new Error(`${what} took over ${ms} ms`)).catch((error) => errors.push(error))

  await step(
    Promise.resolve().then(() => one.run(kit)),
    caseTimeoutMs(one, context.environment.loaded.capabilities, context.patience),
    'The case',
  )
  if (one.alone) await step(context.environment.recover(), recoverMs, 'Recovering the broker after the case')
  await step(kit.close(), closeMs * context.patience, 'Closing what the case had opened')
  errors.push(...(unhandled?.end() ?? []))
  if (errors.length === 0) return undefined
  const [first] = errors
  return first instanceof Error ? first : new Error(String(first))
}
