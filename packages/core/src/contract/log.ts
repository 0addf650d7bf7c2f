import { requireFunction, requireOptions } from './checks.js'

export type LogFields = Readonly<Record<string, unknown>>

/** Where a queue writes what nobody listens to. pino, winston and `console` adapt to it in a few lines. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

const quiet = (): void => {}

/** Warnings and errors to stderr, nothing else. */
export const consoleLog: Log = {
  debug: quiet,
  info: quiet,
  warn: (message, fields) => console.warn(`[mq] ${message}`, ...(fields === undefined ? [] : [fields])),
  error: (message, fields) => console.error(`[mq] ${message}`, ...(fields === undefined ? [] : [fields])),
}

/**
 * The log as the queue uses it: one that throws, because its disk is full for example, must not decide over a message.
 * Throws a `TypeError` for what is no log.
 */
export function guarded(log: Log): Log {
  requireOptions(log, 'log')
  const method = (level: keyof Log) => {
    requireFunction(log[level], `log.${level}`)
    return (message: string, fields?: LogFields): void => {
      try {
        log[level](message, ...(fields === undefined ? [] : [fields]))
      } catch {
        // Nowhere is left to write to.
      }
    }
  }
  return { debug: method('debug'), info: method('info'), warn: method('warn'), error: method('error') }
}

/** A log that adds `fields` to every line. */
export function withFields(log: Log, fields: LogFields): Log {
  return {
    debug: (message, more) => log.debug(message, { ...fields, ...more }),
    info: (message, more) => log.info(message, { ...fields, ...more }),
    warn: (message, more) => log.warn(message, { ...fields, ...more }),
    error: (message, more) => log.error(message, { ...fields, ...more }),
  }
}
