import type { Capabilities } from '../../index.js'
import type { Level } from '../kit/case.js'
import type { PromiseNumber } from '../promises.js'

/**
 * - `not run`: it would apply, but the subject lacks what it needs, or it is long. It proves nothing.
 * - `not applicable`: a capability says so.
 */
export type CaseStatus = 'passed' | 'failed' | 'not run' | 'not applicable'

export interface CaseResult {
  readonly id: string
  readonly title: string
  readonly promises: readonly PromiseNumber[]
  readonly level: Level
  readonly long?: boolean
  readonly status: CaseStatus
  /** Why it was not run, does not apply, or failed. */
  readonly reason?: string
  readonly error?: Error
  readonly durationMs: number
}

export interface ConformanceReport {
  /** The version of this suite, that of @mq/core. */
  readonly suite: string
  readonly adapter: string
  /** As the subject names it. */
  readonly broker?: string
  readonly node: string
  readonly capabilities: Capabilities
  /** With it, the same run can be made again. */
  readonly seed: number
  /** RFC 3339. */
  readonly startedAt: string
  readonly durationMs: number
  readonly results: readonly CaseResult[]
  /** No case failed; with `complete`, no required case was left out either, except long ones. */
  readonly holds: boolean
}

/** A required case that was left out, where that is not allowed. */
export const isOmission = ({ level, status, long }: CaseResult): boolean =>
  level !== 'optional' && status === 'not run' && !long

export const holds = (results: readonly CaseResult[], complete: boolean): boolean =>
  results.every((result) => result.status !== 'failed' && !(complete && isOmission(result)))

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly notRun: number
  readonly notApplicable: number
}

export function countsOf(results: readonly CaseResult[]): Counts {
  const count = (status: CaseStatus): number => results.filter((result) => result.status === status).length
  return {
    passed: count('passed'),
    failed: count('failed'),
    notRun: count('not run'),
    notApplicable: count('not applicable'),
  }
}
