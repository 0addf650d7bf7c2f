import { createHash } from 'node:crypto'
import { shown } from './checks.js'
import { MqError } from './errors.js'

const namePattern = /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/

/** The longest name of a topic or a group, in characters. */
export const maxNameLength = 100

/**
 * Letters and digits in runs, joined by single `.`, `_` or `-`; at most 100 characters.
 * Throws a `TypeError` for what is no string and `MQ_INVALID_NAME` for a string that does not fit.
 */
export function requireName(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new TypeError(`The ${what} must be a string, not ${shown(value)}`)
  if (value.length > maxNameLength) {
    throw new MqError('MQ_INVALID_NAME', `The ${what} has ${value.length} characters; ${maxNameLength} are allowed`)
  }
  if (!namePattern.test(value)) {
    const rule = "use letters and digits, joined by single '.', '_' or '-', as in 'user.created'"
    throw new MqError('MQ_INVALID_NAME', `${shown(value)} cannot be the ${what}: ${rule}`)
  }
  return value
}

/** Room for a partition or tier suffix within the 249 characters of Kafka and the 255 bytes of AMQP. */
const maxBrokerNameLength = 200

/**
 * One name at a broker for a list of names that passed `requireName`, for example `brokerName(['q', topic, group])`.
 *
 * Injective: two different lists never give the same name. The parts are joined by `--`, which no name contains, and `_`
 * is written `-_`, because Kafka treats `a.b` and `a_b` as the same topic. What would be longer than 200 characters ends in
 * `---` and a SHA-256 of the whole instead.
 */
export function brokerName(parts: readonly string[]): string {
  const name = parts.map((part) => part.replaceAll('_', '-_')).join('--')
  if (name.length <= maxBrokerNameLength) return name
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 40)
  return `${name.slice(0, maxBrokerNameLength - hash.length - 3)}---${hash}`
}
