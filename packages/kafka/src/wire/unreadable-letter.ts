import { emptyHeaders, type Failure, type RawDeadLetter, unknownFailure } from '@mq/core/adapter'
import type { TopicPartition } from '../driver/cluster.js'
import { type KafkaRecord, unreadableError } from '../driver/records/record-batch.js'
import { entryIdOf } from './letter-key.js'
import { decodeRecord, letterHeader } from './record.js'
import { stubBytes } from './stub.js'

/**
 * Makes the dead letter that stands for a batch of dead letters that cannot be read for this cause: its place, its length and its first
 * bytes.
 */
function unreadableLetter(record: KafkaRecord, log: TopicPartition, cause: Error): RawDeadLetter {
  const { message } = decodeRecord(record, { ...log, isLetter: true })
  const { value, offset, timestampMs } = record
  const failure: Failure = {
    reason: 'undecodable',
    error: { name: 'Error', message: unreadableError(log.topic, { offset, cause }).message },
    attempts: 0,
    firstFailedAt: timestampMs,
    failedAt: timestampMs,
  }
  const bytes = value?.byteLength ?? 0
  return {
    entryId: entryIdOf(record),
    message: {
      ...message,
      extensions: emptyHeaders,
      headers: { ...message.headers, [letterHeader.stubOf]: String(bytes) },
      body: message.body.subarray(0, stubBytes),
    },
    failure,
  }
}

/** Decodes a dead letter. */
export function letterOf(record: KafkaRecord, log: TopicPartition): RawDeadLetter {
  if (record.unreadable !== undefined) return unreadableLetter(record, log, record.unreadable.cause)
  const { message, failure } = decodeRecord(record, { ...log, isLetter: true })
  return { entryId: entryIdOf(record), message, failure: failure ?? unknownFailure(record.timestampMs) }
}
