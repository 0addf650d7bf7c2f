import { MqError } from '../errors.js'
import { shown } from './shown.js'

/** The longest duration, 365 days. A longer one is taken for a mistake in the unit. */
export const maxDurationMs = 365 * 24 * 60 * 60 * 1000

export interface NumberRange {
  readonly min: number
  readonly max: number
}

/** Throws a `TypeError` if the value is not a number, and `MQ_INVALID_OPTION` if it is out of range. */
export function requireNumber(value: unknown, name: string, range: NumberRange): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, not ${shown(value)}`)
  if (!(value >= range.min && value <= range.max)) {
    throw new MqError('MQ_INVALID_OPTION', `${name} must be from ${range.min} to ${range.max}, not ${value}`)
  }
  return value
}

/** Checks like `requireNumber`, and takes whole numbers only. */
export function requireInteger(value: unknown, name: string, range: NumberRange): number {
  const number = requireNumber(value, name, range)
  if (!Number.isInteger(number)) {
    throw new MqError('MQ_INVALID_OPTION', `${name} must be a whole number, not ${number}`)
  }
  return number
}

/** Returns the milliseconds since 1970. Throws a `TypeError` if the value is not a `Date`, and `MQ_INVALID_OPTION` if it is invalid. */
export function requireTime(value: unknown, name: string): number {
  if (!(value instanceof Date)) throw new TypeError(`${name} must be a Date, not ${shown(value)}`)
  if (Number.isNaN(value.getTime())) throw new MqError('MQ_INVALID_OPTION', `${name} is an invalid Date`)
  return value.getTime()
}

/** Checks a number of milliseconds: from 0, or `min`, to 365 days. */
export function requireDuration(value: unknown, name: string, min = 0): number {
  return requireNumber(value, name, { min, max: maxDurationMs })
}

export function requireBoolean(value: unknown, name: string): void {
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be a boolean, not ${shown(value)}`)
}

export function requireFunction(value: unknown, name: string): void {
  if (typeof value !== 'function') throw new TypeError(`${name} must be a function, not ${shown(value)}`)
}
