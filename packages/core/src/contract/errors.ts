import type { TaskFailure } from './failure.js'
import type { PublishOutcome } from './publish-options.js'
import type { SchemaIssue } from './schema.js'

/**
 * Every code of an `MqError`. Codes are stable within a major version, texts are not. `docs/errors.md` says for each when it occurs and
 * what to do.
 */
export const errorCodes = [
  'MQ_ADAPTER_INVALID',
  'MQ_ADAPTER_NOT_INSTALLED',
  'MQ_AUTH_FAILED',
  'MQ_BACKPRESSURE',
  'MQ_CLOSED',
  'MQ_CONNECT_FAILED',
  'MQ_CONNECT_TIMEOUT',
  'MQ_CONNECTION_LOST',
  'MQ_DUPLICATE_TASK',
  'MQ_GROUP_MISSING',
  'MQ_HANDLER_TIMEOUT',
  'MQ_INVALID_CONFIG',
  'MQ_INVALID_DATA',
  'MQ_INVALID_HEADER',
  'MQ_INVALID_NAME',
  'MQ_INVALID_OPTION',
  'MQ_INVALID_URL',
  'MQ_MESSAGE_TOO_LARGE',
  'MQ_NOT_CONNECTED',
  'MQ_NOT_SERIALIZABLE',
  'MQ_NOT_SUPPORTED',
  'MQ_OPERATION_FAILED',
  'MQ_OWNERSHIP_LOST',
  'MQ_PUBLISH_REJECTED',
  'MQ_PUBLISH_UNKNOWN',
  'MQ_STOPPED',
  'MQ_STORE_REQUIRED',
  'MQ_TASK_CANCELLED',
  'MQ_TASK_EXPIRED',
  'MQ_TASK_FAILED',
  'MQ_TIMEOUT',
  'MQ_TLS_FAILED',
  'MQ_TOPIC_MISSING',
  'MQ_UNDECODABLE',
  'MQ_UNSUPPORTED_TYPE',
] as const

export type MqErrorCode = (typeof errorCodes)[number]

export interface MqErrorOptions {
  /** The driver's own error. It never holds a URL with a password. */
  readonly cause?: unknown
  /** The issues that a schema found, with `MQ_INVALID_DATA`. */
  readonly issues?: readonly SchemaIssue[] | undefined
  /** The outcome of each message of a `publishAll`, by index. */
  readonly outcomes?: readonly PublishOutcome[] | undefined
  /** The parts of the task's error, with `MQ_TASK_FAILED`. */
  readonly failure?: TaskFailure | undefined
}

const brand = Symbol.for('@mq/core.MqError')

/**
 * The error for bad values, wrong states and every trouble with a broker. An argument of a wrong type is a `TypeError` instead.
 * Recognise it with `isMqError`, because two copies of this package may be installed side by side.
 * See docs/decisions/0060-core-as-a-dependency.md.
 */
export class MqError extends Error {
  static {
    // Not a declared member: it would make the classes of two copies different types, and their adapters too.
    Object.defineProperty(MqError.prototype, brand, { value: true })
  }

  override readonly name: string = 'MqError'
  readonly code: MqErrorCode
  declare readonly issues?: readonly SchemaIssue[]
  declare readonly outcomes?: readonly PublishOutcome[]
  declare readonly failure?: TaskFailure

  constructor(code: MqErrorCode, message: string, options: MqErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    if (options.issues) this.issues = options.issues
    if (options.outcomes) this.outcomes = options.outcomes
    if (options.failure) this.failure = options.failure
  }
}

/** An error with a known code. That of a failed task has the failure. */
export type MqErrorWith<Code extends MqErrorCode> = MqError & { readonly code: Code } & (Code extends 'MQ_TASK_FAILED'
    ? { readonly failure: TaskFailure }
    : unknown)

/** Returns true for an `MqError` of any copy of this package and, if a code is given, of that code. */
export function isMqError(error: unknown): error is MqError
export function isMqError<Code extends MqErrorCode>(error: unknown, code: Code): error is MqErrorWith<Code>
export function isMqError(error: unknown, code?: MqErrorCode): error is MqError
export function isMqError(error: unknown, code?: MqErrorCode): error is MqError {
  return hasBrand(error, brand) && (code === undefined || (error as MqError).code === code)
}

/** Says whether a thrown value has the brand. Returns false for a value that throws when it is read. */
export function hasBrand(error: unknown, brand: symbol): boolean {
  try {
    return typeof error === 'object' && error !== null && brand in error
  } catch {
    return false
  }
}
