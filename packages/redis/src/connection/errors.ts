import { isTlsFault, MqError, type MqErrorCode } from '@mq/core/adapter'

/**
 * A command that ended without a result.
 * - `refused`: the broker answered with an error.
 * - `unsent`: the command was never sent.
 * - `unanswered`: the command was sent, and its answer was lost.
 */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly kind: 'refused' | 'unsent' | 'unanswered'

  constructor(kind: CommandError['kind'], cause: Error) {
    super(cause.message, { cause })
    this.kind = kind
  }

  /** The first word of a refusal, such as `NOGROUP`. */
  get word(): string {
    return this.kind === 'refused' ? (/^-?([A-Z]+)/.exec(this.message)?.[1] ?? '') : ''
  }
}

/** Copies an error without the command that ioredis attaches: its arguments are payloads, or the password. */
export function withoutCommand(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  // A cluster's own error says only that no node answered; the error of the last node says why.
  const { lastNodeError } = error as { lastNodeError?: unknown }
  if (lastNodeError instanceof Error) return withoutCommand(lastNodeError)
  const copy = new Error(error.message)
  copy.name = error.name
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? Object.assign(copy, { code }) : copy
}

export function commandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error
  const cause = withoutCommand(error)
  if (cause.name === 'ReplyError') return new CommandError('refused', cause)
  // The driver's text names an option of its own that nobody has set.
  if (cause.name === 'MaxRetriesPerRequestError') cause.message = 'The connection was lost before the answer came'
  return new CommandError(/isn't writeable/.test(cause.message) ? 'unsent' : 'unanswered', cause)
}

/**
 * Refusals that pass: nothing was done, and the same command will succeed later or on another node. `UNBLOCKED` ends a blocked read,
 * because the server is no longer a master or an operator has unblocked it.
 */
const passing = /^-?(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|BUSY|UNKILLABLE|NOREPLICAS|UNBLOCKED)\b/

export const willPass = (error: CommandError): boolean =>
  error.kind === 'unsent' || (error.kind === 'refused' && passing.test(error.message))

export const isOutOfMemory = (error: CommandError): boolean => error.kind === 'refused' && /\bOOM\b/.test(error.message)

/** Whether the consumer group or its stream does not exist. To a blocked reader, Redis 7.0 reports the latter with `UNBLOCKED`. */
export const isGroupMissing = (error: CommandError): boolean =>
  error.kind === 'refused' && /\bNOGROUP\b|\bUNBLOCKED the stream\b/.test(error.message)

const authWords = /\b(WRONGPASS|NOAUTH|NOPERM)\b|invalid password|can't run this command|AUTH <password> called without/
const tlsWords = /certificate|wrong version number|SSL routines/i

/** Creates the error of a connection that was not established. */
export function connectError(error: unknown, at: { readonly where: string; readonly timeoutMs: number }): MqError {
  const cause = withoutCommand(error)
  const fail = (code: MqErrorCode, text: string): MqError =>
    new MqError(code, `${text} (Redis at ${at.where}): ${cause.message}`, { cause })
  if (authWords.test(cause.message)) return fail('MQ_AUTH_FAILED', 'The user or password was refused')
  if (isTlsFault(cause) || tlsWords.test(cause.message))
    return fail('MQ_TLS_FAILED', 'No TLS connection was established')
  if ((cause as { code?: unknown }).code === 'ETIMEDOUT') {
    return fail('MQ_CONNECT_TIMEOUT', `No connection was established within ${at.timeoutMs} ms`)
  }
  return fail('MQ_CONNECT_FAILED', 'No connection was established')
}

/** Creates the error that an operation rejects with. `what` names the operation. */
export function operationError(what: string, error: unknown): MqError {
  if (error instanceof MqError) return error
  const failed = commandError(error)
  const fail = (code: MqErrorCode): MqError =>
    new MqError(code, `${what} failed: ${failed.message}`, { cause: failed.cause })
  if (authWords.test(failed.message)) return fail('MQ_AUTH_FAILED')
  return fail(failed.kind === 'refused' ? 'MQ_OPERATION_FAILED' : 'MQ_CONNECTION_LOST')
}
