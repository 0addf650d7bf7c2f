import { requireOptions } from './checks/options.js'
import { requireFunction } from './checks/values.js'

export type LogFields = Readonly<Record<string, unknown>>

/** Takes the lines of a queue, most of all events that have no listener. pino, winston and `console` fit with a few lines of code. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

const quiet = (): void => {}

/** Writes warnings and errors to stderr, and nothing else. The stack of a failure follows on lines of its own. */
export const consoleLog: Log = {
  debug: quiet,
  info: quiet,
  warn: (message, fields) => console.warn(`[mq] ${message}`, ...shownFields(fields)),
  error: (message, fields) => console.error(`[mq] ${message}`, ...shownFields(fields)),
}

function shownFields(fields: LogFields | undefined): readonly unknown[] {
  if (fields === undefined) return []
  const { error } = fields
  if (error instanceof Error || typeof error !== 'object' || error === null || !('stack' in error)) return [fields]
  const { stack, ...others } = error
  return [{ ...fields, error: others }, `\n${String(stack)}`]
}

/**
 * Wraps a log so that it never throws: a full disk, for example, must not decide over a message.
 * Throws a `TypeError` if the value is not a log.
 */
export function guarded(log: Log): Log {
  requireOptions(log, 'log')
  const method = (level: keyof Log) => {
    requireFunction(log[level], `log.${level}`)
    return (message: string, fields?: LogFields): void => {
      try {
        log[level](message, ...(fields === undefined ? [] : [fields]))
      } catch {
        // There is no other place to write to.
      }
    }
  }
  return { debug: method('debug'), info: method('info'), warn: method('warn'), error: method('error') }
}

/** Returns a log that adds `fields` to every line. */
export function withFields(log: Log, fields: LogFields): Log {
  return {
    debug: (message, more) => log.debug(message, { ...fields, ...more }),
    info: (message, more) => log.info(message, { ...fields, ...more }),
    warn: (message, more) => log.warn(message, { ...fields, ...more }),
    error: (message, more) => log.error(message, { ...fields, ...more }),
  }
}
