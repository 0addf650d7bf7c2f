import { requireDuration } from './checks.js'
import { carries, type MqError } from './errors.js'

const retryLaterBrand = Symbol.for('@mq/core.RetryLater')
const unrecoverableBrand = Symbol.for('@mq/core.Unrecoverable')

export interface RetryLaterOptions {
  /** How long to wait before the next attempt, instead of what the retry policy says. */
  readonly afterMs: number
  /** Kept as the failure's text. */
  readonly reason?: string
  readonly cause?: unknown
}

/**
 * Thrown by a handler that knows when it is worth trying again. It overrides the delay of the retry policy, not its
 * number of attempts: a message cannot go round for ever.
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

/** Thrown by a handler that knows that no further attempt can succeed: the message is dead-lettered at once. */
export class Unrecoverable extends Error {
  static {
    Object.defineProperty(Unrecoverable.prototype, unrecoverableBrand, { value: true })
  }

  override readonly name: string = 'Unrecoverable'

  constructor(reason: string, options: { readonly cause?: unknown } = {}) {
    super(reason, 'cause' in options ? { cause: options.cause } : undefined)
  }
}

/** The same error, at which no further attempt is made. It keeps its code, which an `Unrecoverable` around it would hide. */
export const final = (error: MqError): MqError => Object.defineProperty(error, unrecoverableBrand, { value: true })

/** True for a `RetryLater` of any copy of this package. */
export const isRetryLater = (error: unknown): error is RetryLater => carries(error, retryLaterBrand)

/** True for an `Unrecoverable` of any copy of this package. */
export const isUnrecoverable = (error: unknown): error is Unrecoverable => carries(error, unrecoverableBrand)
