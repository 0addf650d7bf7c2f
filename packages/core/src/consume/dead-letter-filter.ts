import { keysOf, refuseUnknown, requireOptions } from '../contract/checks/options.js'
import { shown } from '../contract/checks/shown.js'
import { requireDuration } from '../contract/checks/values.js'
import type { Clock } from '../contract/clock.js'
import { MqError } from '../contract/errors.js'
import { type FailureReason, failureReasons } from '../contract/failure.js'
import type { DeadLetter, DeadLetterCondition, DeadLetterFilter } from '../contract/operating/dead-letters.js'

const names = keysOf<DeadLetterFilter>()({
  reason: true,
  errorName: true,
  errorCode: true,
  minAgeMs: true,
  maxAgeMs: true,
  id: true,
  key: true,
  data: true,
})

export type Matches = (letter: DeadLetter) => boolean

/**
 * Returns the function that says whether an entry matches. Throws a `TypeError` or `MQ_INVALID_OPTION` for a bad filter, and also for one
 * without any condition: a name that is undefined by mistake must not turn "these" into "all".
 */
export function filterOf(where: DeadLetterCondition, clock: Clock): Matches {
  if (typeof where === 'function') return (letter) => where(letter) === true
  requireOptions(where, 'where')
  refuseUnknown(where, names, 'where')
  const { reason, errorName, errorCode, minAgeMs, maxAgeMs, id, key, data } = where
  const conditions: Matches[] = []
  if (reason !== undefined) conditions.push(reasonIn(typeof reason === 'string' ? [reason] : reason))
  for (const [name, text] of Object.entries({ errorName, errorCode, id, key })) {
    if (text !== undefined && typeof text !== 'string') {
      throw new TypeError(`where.${name} must be a string, not ${shown(text)}`)
    }
  }
  if (errorName !== undefined) conditions.push(({ failure }) => failure.error.name === errorName)
  if (errorCode !== undefined) conditions.push(({ failure }) => failure.error.code === errorCode)
  if (id !== undefined) conditions.push(({ message }) => message.id === id)
  if (key !== undefined) conditions.push(({ message }) => message.key === key)
  const now = clock.now()
  if (minAgeMs !== undefined) {
    const latest = now - requireDuration(minAgeMs, 'where.minAgeMs')
    conditions.push(({ failure }) => failure.failedAt <= latest)
  }
  if (maxAgeMs !== undefined) {
    const earliest = now - requireDuration(maxAgeMs, 'where.maxAgeMs')
    conditions.push(({ failure }) => failure.failedAt >= earliest)
  }
  if (data !== undefined) conditions.push(...fieldConditions(data))
  if (conditions.length === 0)
    throw new MqError('MQ_INVALID_OPTION', 'where has no condition; leave it out to mean all')
  return (letter) => conditions.every((holds) => holds(letter))
}

function reasonIn(reasons: readonly FailureReason[]): Matches {
  if (!Array.isArray(reasons)) throw new TypeError(`where.reason must be a string or an array, not ${shown(reasons)}`)
  const unknown = reasons.find((reason) => !failureReasons.includes(reason))
  if (unknown !== undefined || reasons.length === 0) {
    throw new MqError('MQ_INVALID_OPTION', `where.reason is one of ${failureReasons.join(', ')}, not ${shown(unknown)}`)
  }
  return ({ failure }) => reasons.includes(failure.reason)
}

function fieldConditions(fields: Readonly<Record<string, unknown>>): readonly Matches[] {
  requireOptions(fields, 'where.data')
  return Object.entries(fields).map(([path, wanted]) => {
    if (wanted !== null && !['string', 'number', 'boolean'].includes(typeof wanted)) {
      throw new TypeError(
        `where.data of ${shown(path)} must be a text, a number, a boolean or null, not ${shown(wanted)}`,
      )
    }
    return ({ data }) => fieldOf(data, path) === wanted
  })
}

/** Reads own properties only: a path comes from outside. A property whose own name has dots comes first. */
function fieldOf(data: unknown, path: string): unknown {
  if (typeof data !== 'object' || data === null) return undefined
  if (Object.hasOwn(data, path)) return (data as Readonly<Record<string, unknown>>)[path]
  const dot = path.indexOf('.')
  if (dot < 0) return undefined
  const name = path.slice(0, dot)
  return Object.hasOwn(data, name)
    ? fieldOf((data as Readonly<Record<string, unknown>>)[name], path.slice(dot + 1))
    : undefined
}
