import { MqError } from '../errors.js'
import { shown, shownName } from './shown.js'

/**
 * Returns the names of `T`'s members: `keysOf<PublishOptions>()({ id: true, ... })`. The compiler refuses a list that lacks one of
 * them, optional ones too, or has one too many.
 */
export const keysOf =
  <T>() =>
  (names: Record<keyof T & string, true>): readonly (keyof T & string)[] =>
    Object.keys(names) as (keyof T & string)[]

/** Throws a `TypeError` if the value is not a plain object, so that a misplaced argument is not silently ignored. */
export function requireOptions(value: unknown, name: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${name} must be an object, not ${shown(value)}`)
  }
}

/** Throws `MQ_INVALID_OPTION` for the first property that is not among `known`; most often it is misspelt. */
export function refuseUnknown(options: object, known: readonly string[], name: string): void {
  for (const property of Object.keys(options)) {
    if (!known.includes(property)) {
      throw new MqError('MQ_INVALID_OPTION', `${name} has no option ${shownName(property)}. Known: ${known.join(', ')}`)
    }
  }
}
