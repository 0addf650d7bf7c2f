import { Cron } from 'croner'
import { keysOf, refuseUnknown, requireOptions } from '../../contract/checks/options.js'
import { shown } from '../../contract/checks/shown.js'
import { maxDurationMs, requireInteger } from '../../contract/checks/values.js'
import { MqError } from '../../contract/errors.js'

/** The times at which a task runs by itself. */
export type ScheduleRule = CronRule | IntervalRule

export interface CronRule extends MissedTicks {
  /** Five fields, or six with seconds first, or seven with years last. Nicknames such as `@daily` work too. */
  readonly cron: string
  /** An IANA name, `Europe/Berlin` for example. The machine's own time zone does not matter. Default: `UTC`. */
  readonly timeZone?: string | undefined
  readonly everyMs?: undefined
}

export interface IntervalRule extends MissedTicks {
  /** The interval, from 100 ms to 365 days. It is counted from the beginning of 1970, so that all replicas agree. */
  readonly everyMs: number
  readonly cron?: undefined
  readonly timeZone?: undefined
}

export interface MissedTicks {
  /**
   * Decides about ticks whose time passed while no replica was up. `skip` drops them; `runOnce` makes up for all of them by one run. A tick
   * is not missed if it is late by no more than a takeover (`capabilities.redeliveryMs`) and some seconds. Default: `skip`.
   */
  readonly missed?: 'skip' | 'runOnce' | undefined
}

/** The times of a rule that was checked. */
export interface Timing {
  /** The same text for rules that have the same ticks, in every process. */
  readonly text: string
  readonly missed: 'skip' | 'runOnce'
  /** Returns the first tick after a time, both in milliseconds since 1970. Returns undefined if there is none. */
  next(afterMs: number): number | undefined
}

const optionNames = keysOf<ScheduleRule>()({ cron: true, timeZone: true, everyMs: true, missed: true })
const minEveryMs = 100

/** Throws a `TypeError` for a wrong type and `MQ_INVALID_OPTION` for a rule that cannot be followed from `nowMs` on. */
export function timingOf(rule: unknown, nowMs: number): Timing {
  requireOptions(rule, 'The rule of a schedule')
  refuseUnknown(rule as object, optionNames, 'The rule of a schedule')
  const { cron, timeZone, everyMs, missed: given } = rule as Record<string, unknown>
  const missed = requireMissed(given ?? 'skip')
  if ((cron === undefined) === (everyMs === undefined)) {
    throw new MqError('MQ_INVALID_OPTION', 'The rule of a schedule has either cron or everyMs')
  }
  if (everyMs !== undefined) {
    if (timeZone !== undefined) throw new MqError('MQ_INVALID_OPTION', 'timeZone goes with cron, not with everyMs')
    return { missed, ...every(requireInteger(everyMs, 'everyMs', { min: minEveryMs, max: maxDurationMs })) }
  }
  const timing = { missed, ...byCron(cron, timeZone ?? 'UTC') }
  if (timing.next(nowMs) === undefined) {
    throw new MqError('MQ_INVALID_OPTION', `The cron expression ${shown(cron)} has no tick in the future`)
  }
  return timing
}

function requireMissed(missed: unknown): Timing['missed'] {
  if (missed === 'skip' || missed === 'runOnce') return missed
  throw new MqError('MQ_INVALID_OPTION', `missed is 'skip' or 'runOnce', not ${shown(missed)}`)
}

const every = (everyMs: number): Omit<Timing, 'missed'> => ({
  text: `every ${everyMs} ms`,
  next: (afterMs) => (Math.floor(afterMs / everyMs) + 1) * everyMs,
})

function byCron(cron: unknown, timeZone: unknown): Omit<Timing, 'missed'> {
  if (typeof cron !== 'string') throw new TypeError(`cron must be a string, not ${shown(cron)}`)
  const pattern = cron.trim().replaceAll(/\s+/g, ' ')
  const timezone = requireTimeZone(timeZone)
  let job: Cron
  try {
    // croner 11, because version 10 skips the whole repeated hour in autumn. `no-wildcard` runs fixed times once in that hour, lists too.
    job = new Cron(pattern, { timezone, paused: true, fixedTimeRule: 'no-wildcard' })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new MqError('MQ_INVALID_OPTION', `${shown(cron)} is no cron expression: ${why}`, { cause })
  }
  if (job.getPattern() === undefined) {
    throw new MqError('MQ_INVALID_OPTION', `${shown(cron)} is a date, no cron expression; enqueue the task with 'at'`)
  }
  return {
    text: `${pattern} in ${timezone}`,
    next: (afterMs) => job.nextRun(new Date(afterMs))?.getTime(),
  }
}

function requireTimeZone(timeZone: unknown): string {
  if (typeof timeZone !== 'string') throw new TypeError(`timeZone must be a string, not ${shown(timeZone)}`)
  try {
    new Intl.DateTimeFormat('en', { timeZone })
  } catch (cause) {
    throw new MqError('MQ_INVALID_OPTION', `${shown(timeZone)} is no time zone that is known here`, { cause })
  }
  return timeZone
}
