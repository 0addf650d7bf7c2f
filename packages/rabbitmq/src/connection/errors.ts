import { isMqError, isTlsFault, MqError, type MqErrorCode } from '@mq/core/adapter'

/** The AMQP reply codes that this adapter acts upon. */
export const reply = {
  accessRefused: 403,
  notFound: 404,
  resourceLocked: 405,
  preconditionFailed: 406,
  notAllowed: 530,
} as const

export function replyCode(error: unknown): number | undefined {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined
  return typeof code === 'number' ? code : undefined
}

/** Says whether the broker ended the whole connection with this error. */
export const endsConnection = (error: unknown): boolean => Number(replyCode(error)) > 500

/** The codes for a frame or a method that the broker does not understand. */
const sendersFaults: readonly unknown[] = [501, 502, 503, 505]

/** Says whether the broker ended the connection over what was sent, and not for a reason of its own. */
export const isOfSender = (error: unknown): boolean => sendersFaults.includes(replyCode(error))

/** Says whether the driver refused a call because its channel or connection has closed. */
export const isClosedDriver = (error: unknown): boolean =>
  error instanceof Error && error.name === 'IllegalOperationError'

export const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export interface Place {
  readonly host: string
  readonly port: number
  readonly vhost: string
}

/** Says whether the broker refused the login. All nodes refuse it then, while a vhost may be refused by one node alone. */
export const isRefusedLogin = (cause: unknown): boolean => /ACCESS.REFUSED/.test(textOf(cause))

/** Explains why a connection could not be opened. The text says what to check and shows no password. */
export function connectError(cause: unknown, { host, port, vhost }: Place): MqError {
  if (isMqError(cause)) return cause
  const place = `${host}:${port}`
  const text = textOf(cause)
  const code = String((cause as { code?: unknown } | null)?.code ?? '')
  const as = (mqCode: MqErrorCode, what: string): MqError => new MqError(mqCode, `${what}: ${text}`, { cause })
  if (isTlsFault(cause)) return as('MQ_TLS_FAILED', `TLS with RabbitMQ at ${place} failed`)
  // The driver hides the broker's reason, but after the login only the vhost is left to be refused.
  if (/Expected ConnectionOpenOk; got <ConnectionClose/.test(text)) {
    const why = `'${vhost}' does not exist or is down there, or this user may not use it, or it has too many connections`
    return as('MQ_AUTH_FAILED', `RabbitMQ at ${place} refused the vhost: ${why}`)
  }
  if (isRefusedLogin(cause)) {
    return as('MQ_AUTH_FAILED', `RabbitMQ at ${place} refused the login`)
  }
  if (code === 'ETIMEDOUT' || /ETIMEDOUT/.test(text)) {
    return as('MQ_CONNECT_TIMEOUT', `RabbitMQ at ${place} did not finish the connection in time`)
  }
  return as('MQ_CONNECT_FAILED', `RabbitMQ at ${place} cannot be reached`)
}

/** Explains why an operation other than a publish or a connect failed. */
export function operationError(cause: unknown, what: string): MqError {
  if (isMqError(cause)) return cause
  const code = replyCode(cause)
  const as = (mqCode: MqErrorCode, hint = ''): MqError =>
    new MqError(mqCode, `${what} failed: ${textOf(cause)}${hint}`, { cause })
  if (code === reply.accessRefused) return as('MQ_AUTH_FAILED')
  if (code === reply.preconditionFailed && /inequivalent arg/.test(textOf(cause))) {
    return as(
      'MQ_OPERATION_FAILED',
      ' (it exists with other arguments: delete it when it is empty, or use another prefix)',
    )
  }
  if (code !== undefined) return as('MQ_OPERATION_FAILED')
  return as('MQ_CONNECTION_LOST')
}
