import { isMqError, isTlsFault, MqError, withoutSecrets } from '@mq/core/adapter'

/**
 * - `refused`: the server has answered with an error, so nothing was done.
 * - `unsent`: there was no connection, so nothing was done.
 * - `unanswered`: the statement was sent, and nobody knows what became of it.
 */
export type FaultKind = 'refused' | 'unsent' | 'unanswered'

/** A statement that had no result. */
export class StatementError extends Error {
  override readonly name = 'StatementError'
  readonly kind: FaultKind
  /** The SQLSTATE of the server, or the code of the system. */
  readonly code: string | undefined

  constructor(
    kind: FaultKind,
    message: string,
    options: { readonly cause?: unknown; readonly code?: string | undefined },
  ) {
    super(message, { cause: options.cause })
    this.kind = kind
    this.code = options.code
  }
}

interface Coded {
  readonly code?: unknown
  readonly message?: unknown
  readonly severity?: unknown
}

const sqlState = /^[0-9A-Z]{5}$/

/** The connection ended, or was ended, while the server was at work. */
const cutOff = /^(?:57P0[123]|08...|40003)$/

/** Reads an error of the driver. `wasSent` says whether the statement had left before. */
export function statementError(cause: unknown, wasSent = true): StatementError {
  if (cause instanceof StatementError) return cause
  const { code, message, severity } = (cause ?? {}) as Coded
  const text = withoutSecrets(typeof message === 'string' && message !== '' ? message : String(code ?? cause))
  const known = typeof code === 'string' ? code : undefined
  const isAnswer = severity !== undefined && known !== undefined && sqlState.test(known)
  const kind = !wasSent ? 'unsent' : isAnswer && !cutOff.test(known) ? 'refused' : 'unanswered'
  return new StatementError(kind, text, { cause, code: known })
}

/** The database, its disk or its operator takes no writes for now. */
export const isBlocked = ({ code }: StatementError): boolean => code === '25006' || code === '53100' || code === '53200'

/** Whether the same statement may succeed later although the server refused it: deadlocks, timeouts, lack of something, starting up. */
export const willPass = (error: StatementError): boolean =>
  isBlocked(error) || /^(?:40...|55P03|57014|53...|57P0.|55006)$/.test(error.code ?? '')

/** Whether the table or the function of a statement is not there. */
export const isUndefined = ({ code }: StatementError): boolean => /^(?:42P01|42883|3F000)$/.test(code ?? '')

const advice: Readonly<Record<string, string>> = {
  '42501': 'the user lacks a right; the README lists those that are needed',
  '25006': 'the database is read-only',
  '53100': 'the disk is full',
  '53300': 'the server has no free connection',
  '42P01': 'the tables are missing; connect again to make them',
}

/** Makes the error of an operation that a caller waits for. */
export function operationError(what: string, cause: unknown): MqError {
  if (isMqError(cause)) return cause
  const error = statementError(cause)
  const help = advice[error.code ?? '']
  const text = `${what} failed: ${error.message}${help === undefined ? '' : ` (${help})`}`
  return new MqError('MQ_OPERATION_FAILED', text, { cause: driverError(error) })
}

/** Returns the error of the driver itself. */
const driverError = (error: StatementError): unknown => error.cause ?? error

/** Makes the error of a connection that could not be opened. */
export function connectError(cause: unknown, where: string): MqError {
  if (isMqError(cause)) return cause
  const error = statementError(cause, false)
  const options = { cause: driverError(error) }
  const { code = '', message } = error
  if (/^28/.test(code))
    return new MqError('MQ_AUTH_FAILED', `PostgreSQL at ${where} refuses the login: ${message}`, options)
  if (isTlsFault(cause) || /SSL|TLS|certificate/i.test(message)) {
    return new MqError('MQ_TLS_FAILED', `No TLS with PostgreSQL at ${where}: ${message}`, options)
  }
  if (code === '42501') {
    const text = `The user may not use the tables in PostgreSQL at ${where}: ${message}. The README lists the rights that are needed`
    return new MqError('MQ_AUTH_FAILED', text, options)
  }
  if (/^SASL|password must be a string|client password/i.test(message)) {
    return new MqError('MQ_AUTH_FAILED', `PostgreSQL at ${where} asks for a password: ${message}`, options)
  }
  return new MqError('MQ_CONNECT_FAILED', `PostgreSQL at ${where} cannot be used: ${message}`, options)
}

export const lateError = (what: string, timeoutMs: number): StatementError =>
  new StatementError('unanswered', `${what} had no answer within ${timeoutMs} ms`, { code: 'ETIMEDOUT' })
