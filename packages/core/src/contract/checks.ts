import { inspect } from 'node:util'
import { MqError } from './errors.js'

/** 365 days: a longer delay is taken for a mistake in the unit. */
export const maxDurationMs = 365 * 24 * 60 * 60 * 1000

/** Text for an error without what follows `://`: where a URL was put in a wrong place, its password must not be shown. */
export const masked = (text: string): string => text.replace(/:\/\/.*/s, '://...')

/** How a rejected value is shown in an error: short, on one line, never a whole document, no password of a URL. */
export function shown(value: unknown): string {
  const inspected = typeof value === 'string' ? masked(value) : value
  const text = masked(inspect(inspected, { depth: 0, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 60 }))
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

/**
 * Returns the names of `T`'s members: `keysOf<PublishOptions>()({ id: true, ... })`. The compiler refuses a list that lacks one of
 * them, optional ones too, or has one too many.
 */
export const keysOf =
  <T>() =>
  (names: Record<keyof T & string, true>): readonly (keyof T & string)[] =>
    Object.keys(names) as (keyof T & string)[]

export interface NumberRange {
  readonly min: number
  readonly max: number
}

/** Throws a `TypeError` for what is no number and `MQ_INVALID_OPTION` for a number out of range. */
export function requireNumber(value: unknown, name: string, range: NumberRange): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, not ${shown(value)}`)
  if (!(value >= range.min && value <= range.max)) {
    throw new MqError('MQ_INVALID_OPTION', `${name} must be from ${range.min} to ${range.max}, not ${value}`)
  }
  return value
}

/** As `requireNumber`, whole numbers only. */
export function requireInteger(value: unknown, name: string, range: NumberRange): number {
  const number = requireNumber(value, name, range)
  if (!Number.isInteger(number)) {
    throw new MqError('MQ_INVALID_OPTION', `${name} must be a whole number, not ${number}`)
  }
  return number
}

/** Milliseconds since 1970. */
export function requireTime(value: unknown, name: string): number {
  if (!(value instanceof Date)) throw new TypeError(`${name} must be a Date, not ${shown(value)}`)
  if (Number.isNaN(value.getTime())) throw new MqError('MQ_INVALID_OPTION', `${name} is an invalid Date`)
  return value.getTime()
}

/** A time span in milliseconds: from 0 (or `min`) to 365 days. */
export function requireDuration(value: unknown, name: string, min = 0): number {
  return requireNumber(value, name, { min, max: maxDurationMs })
}

export function requireBoolean(value: unknown, name: string): void {
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be a boolean, not ${shown(value)}`)
}

export function requireFunction(value: unknown, name: string): void {
  if (typeof value !== 'function') throw new TypeError(`${name} must be a function, not ${shown(value)}`)
}

/** Throws a `TypeError` for what is no plain object, so that a misplaced argument is not silently ignored. */
export function requireOptions(value: unknown, name: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${name} must be an object, not ${shown(value)}`)
  }
}

/** Throws `MQ_INVALID_OPTION` naming the first property that nobody reads: most often a misspelt one. */
export function refuseUnknown(options: object, known: readonly string[], name: string): void {
  for (const property of Object.keys(options)) {
    if (!known.includes(property)) {
      throw new MqError('MQ_INVALID_OPTION', `${name} has no option ${shown(property)}. Known: ${known.join(', ')}`)
    }
  }
}
