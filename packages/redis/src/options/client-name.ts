import { hostname } from 'node:os'
import { MqError, textOption } from '@mq/core/adapter'

/** Names this process for the operators of Redis: the application, the host and the process id. Throws a `TypeError` or `MQ_INVALID_OPTION`. */
export function clientNameOf(options: { readonly connectionName?: string | undefined }): string {
  const application = textOption(options, 'connectionName') ?? 'mq'
  if (!/^[\w.:-]{1,100}$/.test(application)) {
    throw new MqError('MQ_INVALID_OPTION', "connectionName has 1 to 100 letters, digits, '.', '_', '-' and ':'")
  }
  // Redis refuses a name with spaces and some other characters.
  const host = hostname()
    .replace(/[^\w.-]/g, '-')
    .slice(0, 100)
  return `${application}@${host}:${process.pid}`
}
