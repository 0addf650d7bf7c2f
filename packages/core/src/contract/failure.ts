import { escapeControls, escapeUnlessLines } from './checks/escaped.js'
import { withoutSecrets } from './checks/secrets.js'
import { maxDeadStackLength, stackOf, tidied } from './checks/stacks.js'
import { isMqError } from './errors.js'
import { isUnrecoverable } from './retry-errors.js'

/**
 * The reason why a message was not handled. It travels with the message through its retries and into the dead letters. Its texts are cut
 * to 256 characters and show no passwords. Control characters are escaped, except the line breaks and tabs of `error.message`.
 */
export interface Failure {
  readonly reason: FailureReason
  readonly error: FailureError
  /** How many runs failed, the last one included. 0 if no handler was called. */
  readonly attempts: number
  /** Milliseconds since 1970. */
  readonly firstFailedAt: number
  /** Milliseconds since 1970. */
  readonly failedAt: number
  /** The W3C `traceparent` of the run that failed last, if middleware has traced it. */
  readonly traceparent?: string
}

/**
 * - `error`: the handler threw.
 * - `timeout`: the handler took longer than its `timeoutMs`.
 * - `unrecoverable`: the handler threw `Unrecoverable`.
 * - `invalid`: the data did not match the schema.
 * - `undecodable`: the bytes could not be read.
 * - `crashed`: the message was delivered more often than the policy allows, and no run came to an end.
 * - `broker`: the broker dead-lettered the message by itself.
 */
export const failureReasons = [
  'error',
  'timeout',
  'unrecoverable',
  'invalid',
  'undecodable',
  'crashed',
  'broker',
] as const

export type FailureReason = (typeof failureReasons)[number]

export interface FailureError {
  readonly name: string
  readonly message: string
  readonly code?: string
  /**
   * The stack of the error that a handler threw, followed by those of its causes. A dead letter keeps the first 2,048 characters, unless
   * the queue's `storeStacks` is false. A message that waits for its retry carries none.
   */
  readonly stack?: string
}

/** The error of a task, as its caller gets it. Its parts are text: no class of another process is ever restored. */
export interface TaskFailure extends Omit<FailureError, 'stack'> {
  /** How many runs failed, the last one included. 0 if none was begun. */
  readonly attempts: number
}

const maxTextLength = 256

const cut = (text: string, escaped = escapeControls): string => {
  // One character more than is shown is enough to know that something is left out.
  const wellFormed = escaped(withoutSecrets(Buffer.from(text).toString()).slice(0, maxTextLength + 1))
  if (wellFormed.length <= maxTextLength) return wellFormed
  // Half of a surrogate pair at the cut is dropped.
  return `${wellFormed.slice(0, maxTextLength - 3).replace(/[\uD800-\uDBFF]$/, '')}...`
}

const cutLines = (text: string): string => cut(text, escapeUnlessLines)

/** Describes a thrown value as plain text, without its stack. It never throws, not even for an object with hostile getters. */
export function describeError(error: unknown): Omit<FailureError, 'stack'> {
  try {
    if (typeof error !== 'object' || error === null) return { name: 'Error', message: cutLines(String(error)) }
    const { name, message, code } = error as { name?: unknown; message?: unknown; code?: unknown }
    const described = {
      name: cut(typeof name === 'string' && name !== '' ? name : 'Error'),
      message: cutLines(typeof message === 'string' ? message : Object.prototype.toString.call(error)),
    }
    return typeof code === 'string' || typeof code === 'number' ? { ...described, code: cut(String(code)) } : described
  } catch {
    return { name: 'Error', message: 'An error that cannot be described' }
  }
}

/** Describes a thrown value with its stack, for a log. */
export function describeWithStack(error: unknown): FailureError {
  const stack = stackOf(error)
  return stack === undefined ? describeError(error) : { ...describeError(error), stack }
}

/** Shows name and text of an error without line breaks and other characters that a terminal acts upon. */
export function onOneLine({ name, message }: FailureError): string {
  const text = name === 'Error' ? message : `${name}: ${message}`
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
}

/** Returns an error that has the parts of a described one, for the `cause` of another. */
export const errorWith = (described: FailureError): Error => Object.assign(new Error(described.message), described)

/** Returns the reason of a failure for the error that a handler ended with. */
export function reasonFor(error: unknown): FailureReason {
  if (isUnrecoverable(error)) return 'unrecoverable'
  if (isMqError(error, 'MQ_HANDLER_TIMEOUT')) return 'timeout'
  return 'error'
}

/** Returns the failure without its stack, for a dead letter that is too large with it. */
export function withoutStack(failure: Failure): Failure {
  const { stack: _, ...error } = failure.error
  return { ...failure, error }
}

/**
 * Returns the failure of a dead letter for the message that replays it, if its last run was traced: so the next one knows the place of
 * that run. It has no stack, and 0 attempts, because runs before the replay no longer count.
 */
export const failureBeforeReplay = (failure: Failure | undefined): Failure | undefined =>
  failure?.traceparent === undefined ? undefined : { ...withoutStack(failure), attempts: 0 }

/** Returns the failure of a run since the message was published or replayed, if the delivery has one. */
export const failureSince = ({ failure }: { readonly failure?: Failure | undefined }): Failure | undefined =>
  failure !== undefined && failure.attempts > 0 ? failure : undefined

/** Says whether a value is a `traceparent` of version 00 of https://www.w3.org/TR/trace-context. */
export const isTraceparent = (value: unknown): value is string =>
  typeof value === 'string' && /^00-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/.test(value)

/** Encodes a failure as one line of ASCII JSON, for an adapter to store beside a message. */
export function encodeFailure(failure: Failure): string {
  return JSON.stringify(failure).replace(/[\u007f-\uffff]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** Returns the failure that `encodeFailure` wrote, or undefined for any other text. */
export function decodeFailure(text: string | undefined): Failure | undefined {
  if (text === undefined) return undefined
  try {
    const value = JSON.parse(text) as Partial<Failure> | null
    if (typeof value !== 'object' || value === null || !failureReasons.includes(value.reason as FailureReason)) {
      return undefined
    }
    const { reason, error, attempts, firstFailedAt, failedAt, traceparent } = value as Failure
    if (![attempts, firstFailedAt, failedAt].every(Number.isFinite)) return undefined
    if (typeof error !== 'object' || error === null) return undefined
    const stack: unknown = error.stack
    const described: FailureError =
      typeof stack === 'string' && stack !== ''
        ? { ...describeError(error), stack: tidied(stack, maxDeadStackLength) }
        : describeError(error)
    const failure = { reason, error: described, attempts, firstFailedAt, failedAt }
    return isTraceparent(traceparent) ? { ...failure, traceparent } : failure
  } catch {
    return undefined
  }
}
