import { isMqError } from '@mq/core/adapter'
import { errorType, found, isAuthError, isLinkError } from '../driver/errors.js'

// What a failed request to publish says about the records that were in it.

/** Kafka answers so when it may have written the records: also a leader that lost its place, or its disk, after it had. */
const ambiguousTypes = [
  'REQUEST_TIMED_OUT',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'NOT_LEADER_FOR_PARTITION',
  'KAFKA_STORAGE_ERROR',
]

/** The leader wrote it, or may have; whether it stays is not known. */
export const isAmbiguous = (error: unknown): boolean =>
  (isLinkError(error) && !error.unsent) ||
  ambiguousTypes.includes(errorType(error) ?? '') ||
  // Whatever is not an answer of Kafka's.
  (!isLinkError(error) && errorType(error) === undefined && (error as Error).name !== 'KafkaJSNotImplemented')

/** Also where that is the cause of the error. */
export const isTooLarge = (error: unknown): boolean =>
  found(error, ({ type }) =>
    ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'].includes(type ?? '') ? true : undefined,
  ) ?? false

const finalTypes = [
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_REQUIRED_ACKS',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
  'UNSUPPORTED_COMPRESSION_TYPE',
  'POLICY_VIOLATION',
  'INVALID_CONFIG',
  'INVALID_PARTITIONS',
  'INVALID_REPLICATION_FACTOR',
]

/** Trying again cannot help. */
export const isFinal = (error: unknown): boolean =>
  isAuthError(error) ||
  finalTypes.includes(errorType(error) ?? '') ||
  (error as Error).name === 'KafkaJSNotImplemented' ||
  isMqError(error, 'MQ_TOPIC_MISSING')
