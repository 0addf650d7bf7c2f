import { type AdapterEvent, type GroupRef, MqError } from '@mq/core/adapter'
import type { PartitionRead } from '../../driver/requests.js'

/** A backlog may have a batch of this kind in each answer. */
const reportEveryMs = 60_000

/** Creates what reports that batches of messages cannot be read before a codec is installed. Each of them is a dead letter. */
export function createCodecReport(ref: GroupRef, report: (event: AdapterEvent) => void) {
  let reportedAt = Number.NEGATIVE_INFINITY
  return ({ topic, partition, missingCodec }: PartitionRead): void => {
    if (missingCodec === undefined || performance.now() - reportedAt < reportEveryMs) return
    reportedAt = performance.now()
    const { offset, cause } = missingCodec
    const text = `The batch at offset ${offset} of ${topic}/${partition} cannot be read: ${cause.message}`
    report({ type: 'error', error: new MqError('MQ_UNDECODABLE', text, { cause }), ...ref })
  }
}
