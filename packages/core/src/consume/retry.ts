import {
  maxDurationMs,
  refuseUnknown,
  requireDuration,
  requireInteger,
  requireNumber,
  shown,
} from '../contract/checks.js'
import { MqError } from '../contract/errors.js'
import { isRetryLater, isUnrecoverable } from '../contract/interruptions.js'

export interface RetryOptions {
  /** Runs in all, the first one included. 1 means no retry. */
  readonly attempts?: number
  /**
   * `exponential`: `delayMs * factor ** (attempt - 1)`; `fixed`: always `delayMs`; or a function that gets the number of
   * the attempt that failed, from 1, and returns milliseconds.
   */
  readonly backoff?: Backoff
  /** The delay after the first failed attempt. */
  readonly delayMs?: number
  readonly factor?: number
  /** No delay is longer. */
  readonly maxDelayMs?: number
  /** `none`: the delay as it is; `equal`: from half of it to all of it; `full`: from 0 to all of it; evenly distributed. */
  readonly jitter?: Jitter
  /** What to do about certain errors. The first rule that matches replaces the options beside it. */
  readonly rules?: readonly RetryRule[]
}

export type Backoff = 'exponential' | 'fixed' | ((attempt: number, error: unknown) => number)
export type Jitter = 'none' | 'equal' | 'full'

export interface RetryRule {
  /** An error class, the `name` or `code` of an error, or a predicate. */
  readonly match: ErrorClass | string | ((error: unknown) => boolean)
  /** False: dead-letter at once. */
  readonly retry: false | Omit<RetryOptions, 'rules'>
}

export type ErrorClass = abstract new (...args: never[]) => Error

/** Options with every default filled in and checked. */
export type RetryPolicy = Readonly<Required<RetryOptions>>

export const defaultRetryPolicy: RetryPolicy = Object.freeze({
  attempts: 5,
  backoff: 'exponential',
  delayMs: 1_000,
  factor: 2,
  maxDelayMs: 300_000,
  jitter: 'equal',
  rules: [],
})

const jitters = ['none', 'equal', 'full']
const maxAttempts = 1_000

/**
 * `false` means a single attempt. What `options` leave out is taken from `base`.
 * Throws a `TypeError` for a wrong type and `MQ_INVALID_OPTION` for a value out of range.
 */
export function retryPolicy(options: RetryOptions | false | undefined, base = defaultRetryPolicy): RetryPolicy {
  if (options === undefined) return base
  if (options === false) return { ...base, attempts: 1, rules: [] }
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`retry must be an object or false, not ${shown(options)}`)
  }
  refuseUnknown(options, Object.keys(defaultRetryPolicy), 'retry')
  const policy: RetryPolicy = { ...base, ...given(options) }
  requireInteger(policy.attempts, 'retry.attempts', { min: 1, max: maxAttempts })
  requireDuration(policy.delayMs, 'retry.delayMs')
  requireDuration(policy.maxDelayMs, 'retry.maxDelayMs')
  requireNumber(policy.factor, 'retry.factor', { min: 1, max: 1_000 })
  if (typeof policy.backoff !== 'function' && policy.backoff !== 'exponential' && policy.backoff !== 'fixed') {
    throw new MqError(
      'MQ_INVALID_OPTION',
      `retry.backoff is 'exponential', 'fixed' or a function, not ${shown(policy.backoff)}`,
    )
  }
  if (!jitters.includes(policy.jitter)) {
    throw new MqError('MQ_INVALID_OPTION', `retry.jitter is one of ${jitters.join(', ')}, not ${shown(policy.jitter)}`)
  }
  if (!Array.isArray(policy.rules)) throw new TypeError(`retry.rules must be an array, not ${shown(policy.rules)}`)
  for (const rule of policy.rules) checkRule(rule, policy)
  return policy
}

/** Without what is `undefined`, which would hide the value that it is laid over. */
const given = (options: RetryOptions): RetryOptions =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))

function checkRule(rule: RetryRule, policy: RetryPolicy): void {
  if (typeof rule?.match !== 'function' && typeof rule?.match !== 'string') {
    throw new TypeError(
      `A retry rule's match is an error class, a name, a code or a function, not ${shown(rule?.match)}`,
    )
  }
  if (rule.retry === undefined) throw new TypeError("A retry rule's retry must be false or retry options")
  retryPolicy(rule.retry, { ...policy, rules: [] })
}

/** What to do after a failed attempt: try again after a delay, or give up. */
export type RetryDecision = { readonly retry: true; readonly delayMs: number } | { readonly retry: false }

const giveUp: RetryDecision = { retry: false }

/**
 * Pure but for the functions in the policy. A function that throws or returns nonsense counts as the policy's `delayMs`: a
 * mistake in it must not lose the message.
 */
export function decideRetry(
  policy: RetryPolicy,
  failed: { readonly attempt: number; readonly error: unknown; readonly random?: () => number },
): RetryDecision {
  const { attempt, error, random = Math.random } = failed
  if (isUnrecoverable(error)) return giveUp
  const rule = policy.rules.find((candidate) => matches(candidate.match, error))
  if (rule?.retry === false) return giveUp
  const applied = rule === undefined ? policy : { ...policy, ...given(rule.retry) }
  if (attempt >= applied.attempts) return giveUp
  if (isRetryLater(error)) return { retry: true, delayMs: error.afterMs }
  return { retry: true, delayMs: jittered(backoffMs(applied, attempt, error), applied.jitter, random()) }
}

/** The delay before jitter. */
export function backoffMs(policy: RetryPolicy, attempt: number, error?: unknown): number {
  const { backoff, delayMs, factor, maxDelayMs } = policy
  if (backoff === 'fixed') return Math.min(delayMs, maxDelayMs)
  if (backoff === 'exponential') return Math.min(delayMs === 0 ? 0 : delayMs * factor ** (attempt - 1), maxDelayMs)
  return Math.min(calculated(backoff, attempt, error) ?? delayMs, maxDelayMs)
}

function calculated(backoff: (attempt: number, error: unknown) => number, attempt: number, error: unknown) {
  try {
    const delayMs = backoff(attempt, error)
    return typeof delayMs === 'number' && delayMs >= 0 && delayMs <= maxDurationMs ? delayMs : undefined
  } catch {
    return undefined
  }
}

function jittered(delayMs: number, jitter: Jitter, random: number): number {
  if (jitter === 'full') return delayMs * random
  return jitter === 'equal' ? delayMs / 2 + (delayMs / 2) * random : delayMs
}

const isErrorClass = (match: unknown): match is ErrorClass =>
  typeof match === 'function' && (match === Error || match.prototype instanceof Error)

function matches(match: RetryRule['match'], error: unknown): boolean {
  try {
    if (isErrorClass(match)) return error instanceof match
    if (typeof match === 'function') return match(error) === true
    if (typeof error !== 'object' || error === null) return false
    const { name, code } = error as { name?: unknown; code?: unknown }
    return name === match || code === match
  } catch {
    return false
  }
}
