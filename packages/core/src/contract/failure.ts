import { isMqError } from './errors.js'
import { isUnrecoverable } from './interruptions.js'

/**
 * Why a message was not handled. It travels with the message through its retries and into the dead letters; it holds no
 * stack, and its text is cut to 256 characters.
 */
export interface Failure {
  readonly reason: FailureReason
  readonly error: FailureError
  /** Runs that failed so far, the last one included. 0 if no handler was ever called. */
  readonly attempts: number
  /** Milliseconds since 1970. */
  readonly firstFailedAt: number
  /** Milliseconds since 1970. */
  readonly failedAt: number
}

/**
 * - `error`: the handler threw.
 * - `timeout`: the handler took longer than its `timeoutMs`.
 * - `unrecoverable`: the handler threw `Unrecoverable`, or a retry rule said so.
 * - `invalid`: the data did not match the schema.
 * - `undecodable`: the bytes could not be read.
 * - `crashed`: more deliveries than the policy allows, without any of them ending.
 * - `broker`: the broker dead-lettered it on its own.
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
}

const maxTextLength = 256

const cut = (text: string): string => {
  const wellFormed = Buffer.from(text).toString()
  if (wellFormed.length <= maxTextLength) return wellFormed
  // Half of a surrogate pair at the cut is dropped.
  return `${wellFormed.slice(0, maxTextLength - 3).replace(/[\uD800-\uDBFF]$/, '')}...`
}

/** Anything that can be thrown, as plain text. Never throws itself, not even for an object with hostile getters. */
export function describeError(error: unknown): FailureError {
  try {
    if (typeof error !== 'object' || error === null) return { name: 'Error', message: cut(String(error)) }
    const { name, message, code } = error as { name?: unknown; message?: unknown; code?: unknown }
    const described = {
      name: cut(typeof name === 'string' && name !== '' ? name : 'Error'),
      message: cut(typeof message === 'string' ? message : Object.prototype.toString.call(error)),
    }
    return typeof code === 'string' || typeof code === 'number' ? { ...described, code: cut(String(code)) } : described
  } catch {
    return { name: 'Error', message: 'An error that cannot be described' }
  }
}

/** The reason that goes with an error that a handler ended with. */
export function reasonFor(error: unknown): FailureReason {
  if (isUnrecoverable(error)) return 'unrecoverable'
  if (isMqError(error, 'MQ_HANDLER_TIMEOUT')) return 'timeout'
  return 'error'
}

/** One line of ASCII JSON, for an adapter to put beside a message. */
export function encodeFailure(failure: Failure): string {
  return JSON.stringify(failure).replace(/[\u007f-\uffff]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** The failure that `encodeFailure` wrote, or undefined for any other text. */
export function decodeFailure(text: string | undefined): Failure | undefined {
  if (text === undefined) return undefined
  try {
    const value = JSON.parse(text) as Partial<Failure> | null
    if (typeof value !== 'object' || value === null || !failureReasons.includes(value.reason as FailureReason)) {
      return undefined
    }
    const { reason, error, attempts, firstFailedAt, failedAt } = value as Failure
    if (![attempts, firstFailedAt, failedAt].every(Number.isFinite)) return undefined
    if (typeof error !== 'object' || error === null) return undefined
    return { reason, error: describeError(error), attempts, firstFailedAt, failedAt }
  } catch {
    return undefined
  }
}
