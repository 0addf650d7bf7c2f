import { type GiveUpReason, isMqError } from '@mq/core/adapter'
import { asMqError, errorType, isAuthError, isCausedBy, isLinkError } from '../driver/errors.js'
import type { OutgoingRecord } from '../driver/records/record-writer.js'
import { refusalReason } from './parcel.js'

// These functions decide, from the failure of a request to publish, what became of its records.

/** The answers of a broker that may have written the records: also of a leader that lost its place, or its disk, after it had. */
const ambiguousTypes = [
  'REQUEST_TIMED_OUT',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'NOT_LEADER_FOR_PARTITION',
  'KAFKA_STORAGE_ERROR',
]

/** The leader wrote the records, or may have. It is not known whether they stay. */
export const isAmbiguous = (error: unknown): boolean =>
  (isLinkError(error) && !error.unsent) ||
  ambiguousTypes.includes(errorType(error) ?? '') ||
  // An error of neither the connection nor Kafka says nothing.
  (!isLinkError(error) && errorType(error) === undefined && (error as Error).name !== 'KafkaJSNotImplemented')

const sizeTypes = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']

/** Returns true if the error, or one of its causes, says that the message is too large. */
export const isTooLarge = (error: unknown): boolean => isCausedBy(error, ({ type }) => sizeTypes.includes(type ?? ''))

const isInvalid = (error: unknown): boolean => errorType(error) === 'INVALID_RECORD'

/** Returns true if the error may concern only some records of a batch, although the broker has refused all of them. */
export const isOfSomeRecords = (error: unknown): boolean => isTooLarge(error) || isInvalid(error)

/** Says why a broker has refused a record. Its answer does not say so. */
export const refusalOf = (error: unknown, { key }: Pick<OutgoingRecord, 'key'>): GiveUpReason => {
  const hint = isInvalid(error) && key === null ? ', as a compacted topic takes only messages with a key' : ''
  return refusalReason(asMqError(error, `Kafka refused it${hint}`))
}

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
