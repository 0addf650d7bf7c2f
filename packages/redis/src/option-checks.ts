import { MqError } from '@mq/core/adapter'

export type Checks = Readonly<Record<string, unknown>>

/** Throws `MQ_INVALID_OPTION` naming the first option that nobody reads: most often a misspelt one. */
export function refuseUnknown(options: object, known: readonly string[], factory: string): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new MqError('MQ_INVALID_OPTION', `${factory} has no option '${unknown}'. Known: ${known.join(', ')}`)
}

export function whole(
  options: Checks,
  name: string,
  range: { readonly fallback: number; readonly min: number; readonly max: number },
): number {
  const value = options[name] ?? range.fallback
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, not ${typeof value}`)
  if (Number.isInteger(value) && value >= range.min && value <= range.max) return value
  const text = `${name} must be a whole number from ${range.min} to ${range.max}, not ${value}`
  throw new MqError('MQ_INVALID_OPTION', text)
}

/** True where none is given. */
export function boolean(options: Checks, name: string): boolean {
  const value = options[name] ?? true
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be a boolean, not ${typeof value}`)
  return value
}
