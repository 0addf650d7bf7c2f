import type { ConnectionOptions } from 'node:tls'
import { refuseUnknown } from '../contract/checks/options.js'
import { MqError } from '../contract/errors.js'

// No error of these functions shows a value that is not a number, because a misplaced option may be a password.

/**
 * Throws a `TypeError` if `options` is no object of options, and `MQ_INVALID_OPTION` for the first option that is not among
 * `known`. `taker` is the function that was called, as in `redis()`.
 */
export function requireKnownOptions(options: unknown, known: readonly string[], taker: string): void {
  if (!isObject(options)) throw new TypeError(`${taker} takes an object of options`)
  refuseUnknown(options, known, taker)
}

export interface IntegerRange {
  /** The value if the option is not given. */
  readonly fallback: number
  readonly min: number
  /** Default: the largest safe integer. */
  readonly max?: number
}

/** Throws a `TypeError` if the option is not a number, and `MQ_INVALID_OPTION` if it is not a whole number within the range. */
export function integerOption<T extends object>(options: T, name: keyof T & string, range: IntegerRange): number {
  const { fallback, min, max } = range
  const value: unknown = options[name] ?? fallback
  if (typeof value !== 'number') throw wrongType(name, 'a number', value)
  if (Number.isSafeInteger(value) && value >= min && value <= (max ?? value)) return value
  const limits = max === undefined ? `from ${min}` : `from ${min} to ${max}`
  throw new MqError('MQ_INVALID_OPTION', `${name} must be a whole number ${limits}, not ${value}`)
}

/** Throws a `TypeError` if the option is not a boolean. */
export function booleanOption<T extends object>(options: T, name: keyof T & string, fallback: boolean): boolean {
  const value: unknown = options[name] ?? fallback
  if (typeof value !== 'boolean') throw wrongType(name, 'a boolean', value)
  return value
}

/** Throws a `TypeError` if the option is given and not a string, or is an empty string where `mayBeEmpty` is false. */
export function textOption<T extends object>(
  options: T,
  name: keyof T & string,
  { mayBeEmpty = true }: { readonly mayBeEmpty?: boolean } = {},
): string | undefined {
  const value: unknown = options[name]
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw wrongType(name, 'a string', value)
  if (value === '' && !mayBeEmpty) throw new TypeError(`${name} must be a string that is not empty`)
  return value
}

/** Throws a `TypeError` if the option is given and not a function. */
export function functionOption<T extends object, Name extends keyof T & string>(options: T, name: Name): T[Name] {
  const value = options[name]
  if (value !== undefined && typeof value !== 'function') throw wrongType(name, 'a function', value)
  return value
}

/**
 * Reads the option `tls`: an object as Node's `tls.connect` takes it, or one of the booleans in `or`. Returns an empty object for
 * `true`, and undefined for `false` or if it is not given. Throws a `TypeError` for anything else.
 */
export function tlsOption(
  options: { readonly tls?: unknown },
  { or = [] }: { readonly or?: readonly boolean[] } = {},
): ConnectionOptions | undefined {
  const { tls } = options
  if (tls === undefined) return undefined
  if (typeof tls === 'boolean' && or.includes(tls)) return tls ? {} : undefined
  if (isObject(tls)) return tls
  throw wrongType('tls', [...or.map(String), "options of Node's tls.connect"].join(' or '), tls)
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const wrongType = (name: string, wanted: string, value: unknown): TypeError =>
  new TypeError(`${name} must be ${wanted}, not ${kindOf(value)}`)

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : typeof value
}
