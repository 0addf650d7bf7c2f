import { isMqError, MqError, type MqErrorCode } from '@mq/core/adapter'

/** What a failed request means for whoever made it. */
interface DriverError extends Error {
  /** Kafka's own name of the error, such as `NOT_LEADER_FOR_PARTITION`, where a broker answered with one. */
  readonly type?: string
  /** Node's, where the connection failed. */
  readonly code?: string
}

export const errorType = (error: unknown): string | undefined => (error as DriverError | undefined)?.type

/** The connection broke, or gave no answer: whether the request was carried out is not known. */
export class LinkError extends Error {
  override readonly name = 'LinkError'
  /** The request was not written, so that it certainly was not carried out. */
  readonly unsent: boolean

  constructor(message: string, options: { readonly cause?: unknown; readonly unsent: boolean }) {
    super(message, { cause: options.cause })
    this.unsent = options.unsent
  }
}

export const isLinkError = (error: unknown): error is LinkError => error instanceof LinkError

/** The broker says that this member is not, or no longer, in its group. */
export const isFenced = (error: unknown): boolean =>
  ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID'].includes(errorType(error) ?? '')

/** The group's coordinator is to be asked for again. */
export const isCoordinatorGone = (error: unknown): boolean =>
  ['NOT_COORDINATOR_FOR_GROUP', 'GROUP_COORDINATOR_NOT_AVAILABLE', 'GROUP_LOAD_IN_PROGRESS'].includes(
    errorType(error) ?? '',
  )

export const isUnknownTopic = (error: unknown): boolean => errorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION'

const authorization = /AUTHORIZATION_FAILED|SASL|CLUSTER_AUTH/
const tlsCodes = /CERT|TLS|SSL|EPROTO|UNABLE_TO_VERIFY|SELF_SIGNED|HOSTNAME/i

/** The first error of a chain of causes for which `look` finds something. */
export function found<T>(error: unknown, look: (error: DriverError) => T | undefined): T | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    const value = look(at)
    if (value !== undefined) return value
  }
  return undefined
}

export const isAuthError = (error: unknown): boolean =>
  found(error, ({ name, type }) =>
    name === 'KafkaJSSASLAuthenticationError' || authorization.test(type ?? '') ? true : undefined,
  ) ?? false

export const isTlsError = (error: unknown): boolean =>
  found(error, ({ code }) => (typeof code === 'string' && tlsCodes.test(code) ? true : undefined)) ?? false

/** An `MqError` for whatever went wrong; `otherwise` is its code where nothing more is known. Shows no password. */
export function asMqError(error: unknown, what: string, otherwise: MqErrorCode = 'MQ_OPERATION_FAILED'): MqError {
  if (isMqError(error)) return error
  const text = `${what}: ${error instanceof Error ? error.message : String(error)}`
  return new MqError(codeOf(error) ?? otherwise, text, { cause: error })
}

function codeOf(error: unknown): MqErrorCode | undefined {
  if (isAuthError(error)) return 'MQ_AUTH_FAILED'
  if (isTlsError(error)) return 'MQ_TLS_FAILED'
  if (isLinkError(error)) return 'MQ_CONNECTION_LOST'
  return undefined
}
