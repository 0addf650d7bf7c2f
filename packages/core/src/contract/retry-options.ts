export interface RetryOptions {
  /** How often a message is run in all, the first time included; 1 means no retry. From 1 to 1,000. Default: 5. */
  readonly attempts?: number | undefined
  /**
   * How the delay grows. `exponential` is `delayMs * factor ** (attempt - 1)`, and `fixed` is always `delayMs`. A function gets the
   * number of the attempt that failed, from 1, and returns milliseconds. Default: `exponential`.
   */
  readonly backoff?: Backoff | undefined
  /** The delay after the first failed attempt. Default: 1 s. */
  readonly delayMs?: number | undefined
  /** The factor of exponential backoff. From 1 to 1,000. Default: 2. */
  readonly factor?: number | undefined
  /** The longest delay. Default: 5 min. */
  readonly maxDelayMs?: number | undefined
  /**
   * How the delay is spread at random, evenly distributed. `none` keeps it as it is, `equal` takes from half of it to all of it, and
   * `full` from 0 to all of it. Default: `equal`.
   */
  readonly jitter?: Jitter | undefined
  /** Exceptions for certain errors. The first rule that matches replaces the options beside it. Default: no rules. */
  readonly rules?: readonly RetryRule[] | undefined
}

export type Backoff = 'exponential' | 'fixed' | ((attempt: number, error: unknown) => number)
export type Jitter = 'none' | 'equal' | 'full'

export interface RetryRule {
  /** An error class, the `name` or `code` of an error, or a predicate. */
  readonly match: ErrorClass | string | ((error: unknown) => boolean)
  /** The options for such errors. They replace only what they name; `false` dead-letters the message at once. */
  readonly retry: false | Omit<RetryOptions, 'rules'>
}

export type ErrorClass = abstract new (...args: never[]) => Error
