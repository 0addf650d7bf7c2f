import { MqError, type MqErrorCode } from '@mq/core/adapter'

/**
 * How a command ended without a result.
 * - `refused`: the broker answered with an error.
 * - `unsent`: it never left.
 * - `unanswered`: it was sent, and its answer was lost.
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

/** The driver hangs the command with all its arguments on its errors: payloads, and the password where that was refused. */
export function bare(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  // Of a cluster: that no node answered says less than what the last one said.
  const { lastNodeError } = error as { lastNodeError?: unknown }
  if (lastNodeError instanceof Error) return bare(lastNodeError)
  const copy = new Error(error.message)
  copy.name = error.name
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? Object.assign(copy, { code }) : copy
}

export function commandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error
  const cause = bare(error)
  if (cause.name === 'ReplyError') return new CommandError('refused', cause)
  return new CommandError(/isn't writeable/.test(cause.message) ? 'unsent' : 'unanswered', cause)
}

/**
 * Refusals that will pass: nothing was done, and the same command will do later or elsewhere. `UNBLOCKED` ends a read that waits:
 * the server is no master any more, or somebody has told it to.
 */
const passing = /^-?(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|BUSY|UNKILLABLE|NOREPLICAS|UNBLOCKED)\b/

export const willPass = (error: CommandError): boolean =>
  error.kind === 'unsent' || (error.kind === 'refused' && passing.test(error.message))

export const isOutOfMemory = (error: CommandError): boolean => error.kind === 'refused' && /\bOOM\b/.test(error.message)

/** The consumer group, or its stream, is not there: 7.0 words the second differently for a reader that waits. */
export const isGroupMissing = (error: CommandError): boolean =>
  error.kind === 'refused' && /\bNOGROUP\b|\bUNBLOCKED the stream\b/.test(error.message)

export const closedError = (): MqError => new MqError('MQ_CLOSED', 'The adapter was disconnected')

const authWords = /\b(WRONGPASS|NOAUTH|NOPERM)\b|invalid password|can't run this command|AUTH <password> called without/
const tlsCodes =
  /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_|EPROTO|CRL_|INVALID_CA|PATH_LENGTH)/

/** Why no connection came up. */
export function connectError(error: unknown, at: { readonly where: string; readonly timeoutMs: number }): MqError {
  const cause = bare(error)
  const code = (cause as { code?: string }).code ?? ''
  const fail = (kind: MqErrorCode, text: string): MqError =>
    new MqError(kind, `${text} (Redis at ${at.where}): ${cause.message}`, { cause })
  if (authWords.test(cause.message)) return fail('MQ_AUTH_FAILED', 'User or password were refused')
  if (tlsCodes.test(code) || /certificate|wrong version number|SSL routines/i.test(cause.message)) {
    return fail('MQ_TLS_FAILED', 'No TLS connection came up')
  }
  if (code === 'ETIMEDOUT') return fail('MQ_CONNECT_TIMEOUT', `No connection came up within ${at.timeoutMs} ms`)
  return fail('MQ_CONNECT_FAILED', 'No connection came up')
}

/** For what an operation rejects with. */
export function operationError(what: string, error: unknown): MqError {
  if (error instanceof MqError) return error
  const failed = commandError(error)
  const fail = (code: MqErrorCode): MqError =>
    new MqError(code, `${what} failed: ${failed.message}`, { cause: failed.cause })
  if (authWords.test(failed.message)) return fail('MQ_AUTH_FAILED')
  return fail(failed.kind === 'refused' ? 'MQ_OPERATION_FAILED' : 'MQ_CONNECTION_LOST')
}
