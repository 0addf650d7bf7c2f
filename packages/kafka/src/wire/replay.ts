import { failureBeforeReplay } from '@mq/core/adapter'
import { readBatches } from '../driver/records/record-batch.js'
import type { OutgoingRecord } from '../driver/records/record-writer.js'
import { type DecodedRecord, decodeRecord, encodeRecord, letterHeader } from './record.js'

/**
 * Returns the records that replay a dead letter: its message, or the messages of a batch that can be read by now. Rejects if it
 * cannot be replayed yet.
 */
export async function recordsToReplay({ message, failure }: DecodedRecord): Promise<readonly OutgoingRecord[]> {
  const stubOf = message.headers[letterHeader.stub]
  if (stubOf !== undefined)
    throw new Error(`a message was too large to be kept, and only its beginning is left; the message is at ${stubOf}`)
  const place = /^(.+)\/(\d+)\/(\d+)-\d+$/.exec(message.headers[letterHeader.batch] ?? '')
  const whole = encodeRecord(message, { failure: failureBeforeReplay(failure) })
  if (place === null) return [whole]
  const [topic, partition, from] = [place[1] as string, Number(place[2]), Number(place[3])]
  const { buffer, byteOffset, byteLength } = message.body
  const batch = Buffer.from(buffer, byteOffset, byteLength)
  const { records, missingCodec } = await readBatches(batch, { from, aborted: [] })
  if (missingCodec !== undefined) throw new Error(`A batch of ${topic} is unreadable: ${missingCodec.cause.message}`)
  // A batch that is damaged stays one message.
  if (records.length === 0 || records.some(({ unreadable }) => unreadable !== undefined)) return [whole]
  return records.map((record) => encodeRecord(decodeRecord(record, { topic, partition, name: message.type }).message))
}
