import { keysOf, refuseUnknown } from '../contract/checks/options.js'
import { shown } from '../contract/checks/shown.js'
import { maxDurationMs, requireDuration, requireInteger, requireNumber } from '../contract/checks/values.js'
import { MqError } from '../contract/errors.js'
import { isRetryLater, isUnrecoverable } from '../contract/retry-errors.js'
import type { ErrorClass, Jitter, RetryOptions, RetryRule } from '../contract/retry-options.js'

/** Retry options, checked and with every default filled in. */
export type RetryPolicy = { readonly [Name in keyof RetryOptions]-?: Exclude<RetryOptions[Name], undefined> }

export const defaultRetryPolicy: RetryPolicy = Object.freeze({
  attempts: 5,
  backoff: 'exponential',
  delayMs: 1_000,
  factor: 2,
  maxDelayMs: 300_000,
  jitter: 'equal',
  rules: [],
})

const optionNames = keysOf<RetryOptions>()({
  attempts: true,
  backoff: true,
  delayMs: true,
  factor: true,
  maxDelayMs: true,
  jitter: true,
  rules: true,
})
const jitters: readonly string[] = keysOf<Record<Jitter, true>>()({ none: true, equal: true, full: true })
const maxAttempts = 1_000

/**
 * Makes a policy of `options`; `base` fills in what they leave out. `false` means a single attempt.
 * Throws a `TypeError` for a wrong type and `MQ_INVALID_OPTION` for a value out of range.
 */
export function retryPolicy(options: RetryOptions | false | undefined, base = defaultRetryPolicy): RetryPolicy {
  if (options === undefined) return base
  if (options === false) return { ...base, attempts: 1, rules: [] }
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`retry must be an object or false, not ${shown(options)}`)
  }
  refuseUnknown(options, optionNames, 'retry')
  const policy: RetryPolicy = { ...base, ...defined(options) }
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

/** Leaves out properties that are `undefined`, which would hide the value below them. */
const defined = (options: RetryOptions): Partial<RetryPolicy> =>
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

/** The consequence of a failed attempt: another one after a delay, or none. */
export type RetryDecision = { readonly retry: true; readonly delayMs: number } | { readonly retry: false }

const giveUp: RetryDecision = { retry: false }

/**
 * Decides whether a failed attempt is followed by another one. It is pure except for the functions in the policy. If a function throws
 * or returns nonsense, the policy's `delayMs` counts: a mistake in it must not lose the message.
 */
export function decideRetry(
  policy: RetryPolicy,
  failed: { readonly attempt: number; readonly error: unknown; readonly random?: () => number },
): RetryDecision {
  const { attempt, error, random = Math.random } = failed
  if (isUnrecoverable(error)) return giveUp
  const rule = policy.rules.find((candidate) => matches(candidate.match, error))
  if (rule?.retry === false) return giveUp
  const applied = rule === undefined ? policy : { ...policy, ...defined(rule.retry) }
  if (attempt >= applied.attempts) return giveUp
  if (isRetryLater(error)) return { retry: true, delayMs: error.afterMs }
  return { retry: true, delayMs: jittered(backoffMs(applied, attempt, error), applied.jitter, random()) }
}

/** Returns the delay before jitter. */
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
