import type { Log, LogFields } from '@mq/core'
import { Logger } from '@nestjs/common'

/** Creates a log that writes to Nest's logger, so that the lines of a queue are where those of the application are. */
export function nestLog(): Log {
  const logger = new Logger('Mq')
  return {
    debug: (message, fields) => logger.debug(line(message, fields)),
    info: (message, fields) => logger.log(line(message, fields)),
    warn: (message, fields) => logger.warn(line(message, fields)),
    error: (message, fields) => logger.error(line(message, fields), stackOf(fields)),
  }
}

/** The fields follow the message as JSON, because a line of Nest's logger is a text. */
function line(message: string, fields: LogFields | undefined): string {
  if (fields === undefined) return message
  const shown = JSON.stringify(fields, (key, value) => (key === 'stack' ? undefined : value))
  return shown === '{}' ? message : `${message} ${shown}`
}

function stackOf(fields: LogFields | undefined): string | undefined {
  const error = fields?.error
  if (typeof error !== 'object' || error === null || !('stack' in error)) return undefined
  return String(error.stack)
}
