import { requireDuration } from './checks/values.js'
import { hasBrand, type MqError } from './errors.js'

const retryLaterBrand = Symbol.for('@mq/core.RetryLater')
const unrecoverableBrand = Symbol.for('@mq/core.Unrecoverable')

export interface RetryLaterOptions {
  /** The delay before the next attempt, instead of the policy's. */
  readonly afterMs: number
  /** The text of the failure. */
  readonly reason?: string | undefined
  readonly cause?: unknown
}

/**
 * Thrown by a handler that knows when a retry makes sense. It overrides the delay of the retry policy, but not its number of attempts: a
 * message is never retried forever.
 */
export class RetryLater extends Error {
  static {
    Object.defineProperty(RetryLater.prototype, retryLaterBrand, { value: true })
  }

  override readonly name: string = 'RetryLater'
  readonly afterMs: number

  constructor(options: RetryLaterOptions) {
    super(
      options.reason ?? `Asked to be retried after ${options.afterMs} ms`,
      'cause' in options ? { cause: options.cause } : undefined,
    )
    this.afterMs = requireDuration(options.afterMs, 'afterMs')
  }
}

/** Thrown by a handler that knows that no further attempt can succeed. The message is dead-lettered at once. */
export class Unrecoverable extends Error {
  static {
    Object.defineProperty(Unrecoverable.prototype, unrecoverableBrand, { value: true })
  }

  override readonly name: string = 'Unrecoverable'

  constructor(reason: string, options: { readonly cause?: unknown } = {}) {
    super(reason, 'cause' in options ? { cause: options.cause } : undefined)
  }
}

/** Marks an error so that no further attempt is made. It keeps its code, which an `Unrecoverable` around it would hide. */
export const unrecoverable = (error: MqError): MqError =>
  Object.defineProperty(error, unrecoverableBrand, { value: true })

/** Returns true for a `RetryLater` of any copy of this package. */
export const isRetryLater = (error: unknown): error is RetryLater => hasBrand(error, retryLaterBrand)

/** Returns true for an `Unrecoverable` of any copy of this package. */
export const isUnrecoverable = (error: unknown): error is Unrecoverable => hasBrand(error, unrecoverableBrand)
