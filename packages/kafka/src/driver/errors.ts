import { isMqError, isTlsFault, MqError, type MqErrorCode } from '@mq/core/adapter'

/** The fields of a failed request's error that say why it failed. */
interface DriverError extends Error {
  /** Kafka's own name of the error, such as `NOT_LEADER_FOR_PARTITION`, if a broker answered with one. */
  readonly type?: string
}

export const errorType = (error: unknown): string | undefined => (error as DriverError | undefined)?.type

/** Says that a connection broke or gave no answer. Whether the request was carried out is then not known, unless `unsent`. */
export class LinkError extends Error {
  override readonly name = 'LinkError'
  /** True if the request was never written, so that it certainly was not carried out. */
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

/** Says that the group's members are those of another program, so that this one can have no share of its partitions. */
export class ForeignGroupError extends Error {
  override readonly name = 'ForeignGroupError'
}

const refusedMemberships = ['INCONSISTENT_GROUP_PROTOCOL', 'INVALID_GROUP_ID', 'GROUP_MAX_SIZE_REACHED']

/** The group does not take this member, and joining again cannot help unless somebody changes something. */
export const isRefusedMembership = (error: unknown): boolean =>
  error instanceof ForeignGroupError || refusedMemberships.includes(errorType(error) ?? '')

/** The group has another coordinator now, or its coordinator is not ready. */
export const isCoordinatorGone = (error: unknown): boolean =>
  ['NOT_COORDINATOR_FOR_GROUP', 'GROUP_COORDINATOR_NOT_AVAILABLE', 'GROUP_LOAD_IN_PROGRESS'].includes(
    errorType(error) ?? '',
  )

/** The partition has another leader now, or its leader is not ready. */
export const isStaleLeader = (error: unknown): boolean =>
  [
    'NOT_LEADER_FOR_PARTITION',
    'LEADER_NOT_AVAILABLE',
    'UNKNOWN_TOPIC_OR_PARTITION',
    'FENCED_LEADER_EPOCH',
    'UNKNOWN_LEADER_EPOCH',
    'KAFKA_STORAGE_ERROR',
    'BROKER_NOT_AVAILABLE',
    'REPLICA_NOT_AVAILABLE',
  ].includes(errorType(error) ?? '')

export const isUnknownTopic = (error: unknown): boolean => errorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION'

/** Says whether an error, or one of its causes, fulfils a condition. */
export function isCausedBy(error: unknown, condition: (error: DriverError) => boolean): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    if (condition(at)) return true
  }
  return false
}

const authorization = /AUTHORIZATION_FAILED|SASL|CLUSTER_AUTH/

export const isAuthError = (error: unknown): boolean =>
  isCausedBy(
    error,
    ({ name, type }) => name === 'KafkaJSSASLAuthenticationError' || (type !== undefined && authorization.test(type)),
  )

/** Returns an `MqError` for a failure. `otherwise` is its code if nothing more is known. Shows no password. */
export function asMqError(error: unknown, what: string, otherwise: MqErrorCode = 'MQ_OPERATION_FAILED'): MqError {
  if (isMqError(error)) return error
  const text = `${what}: ${error instanceof Error ? error.message : String(error)}`
  return new MqError(codeOf(error) ?? otherwise, text, { cause: error })
}

function codeOf(error: unknown): MqErrorCode | undefined {
  if (isAuthError(error)) return 'MQ_AUTH_FAILED'
  if (isTlsFault(error)) return 'MQ_TLS_FAILED'
  if (isLinkError(error)) return 'MQ_CONNECTION_LOST'
  return undefined
}
