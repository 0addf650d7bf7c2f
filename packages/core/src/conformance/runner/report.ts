import type { Capabilities } from '../../index.js'
import type { Level } from '../kit/case.js'
import type { PromiseNumber } from '../promises.js'

/**
 * - `not run`: the case applies, but the subject lacks what it needs, or it is long. It proves nothing.
 * - `not applicable`: a capability rules the case out.
 */
export type CaseStatus = 'passed' | 'failed' | 'not run' | 'not applicable'

export interface CaseResult {
  readonly id: string
  readonly title: string
  readonly promises: readonly PromiseNumber[]
  readonly level: Level
  readonly long?: boolean
  /** The case tests only that something is refused, so it proves no promise. */
  readonly refusal?: boolean
  readonly status: CaseStatus
  /** Says why the case was not run, does not apply, or failed, or what a passed case could not measure. */
  readonly reason?: string
  readonly error?: Error
  readonly durationMs: number
  /** The counts of a case that accounts for each message. */
  readonly figures?: Figures
}

export interface Figures {
  /** The messages that the broker has confirmed. */
  readonly stored: number
  /** How many of them were neither handled nor dead-lettered in time. */
  readonly lost: number
  /** The repeated runs of messages that had been handled already. */
  readonly repeated: number
  /** How long it took after the end of each disturbance until the broker stored the next message. */
  readonly recoveriesMs: readonly number[]
}

export interface ConformanceReport {
  /** The version of this suite, which is that of @mq/core. */
  readonly suite: string
  readonly adapter: string
  /** The name of the broker, as the subject gives it. */
  readonly broker?: string
  readonly node: string
  readonly capabilities: Capabilities
  /** The seed that repeats the run. */
  readonly seed: number
  /** The time in the format of RFC 3339. */
  readonly startedAt: string
  readonly durationMs: number
  readonly results: readonly CaseResult[]
  /** Whether no case failed. With `complete`, no required case may be left out either, except long ones. */
  readonly holds: boolean
}

/** Returns whether `complete` forbids that this case was not run. */
export const isOmission = ({ level, status, long }: CaseResult): boolean =>
  level !== 'optional' && status === 'not run' && !long

export const holds = (results: readonly CaseResult[], complete: boolean): boolean =>
  results.every((result) => result.status !== 'failed' && !(complete && isOmission(result)))

export interface Counts {
  readonly passed: number
  /** How many of the passed cases test only that something is refused. */
  readonly refused: number
  readonly failed: number
  readonly notRun: number
  readonly notApplicable: number
}

export function countsOf(results: readonly CaseResult[]): Counts {
  const count = (status: CaseStatus): number => results.filter((result) => result.status === status).length
  return {
    passed: count('passed'),
    refused: results.filter(({ status, refusal }) => status === 'passed' && refusal).length,
    failed: count('failed'),
    notRun: count('not run'),
    notApplicable: count('not applicable'),
  }
}
