import { emptyHeaders, type Failure, type RawMessage } from '@mq/core/adapter'
import type { OutgoingRecord } from '../driver/records/record-writer.js'
import { encodeRecord, letterHeader } from './record.js'

/** How much of a message a stub keeps. */
export const stubBytes = 1_024
const maxTextLength = 255

/** Encodes what stands for a message that is too large to be a dead letter: its place, its length and its first bytes. */
export function encodeStub(
  message: RawMessage,
  { place, attempt, failure }: { readonly place: string; readonly attempt: number; readonly failure: Failure },
  letterId: string,
): OutgoingRecord {
  const cut = (text: string): string => text.slice(0, maxTextLength)
  const stub: RawMessage = {
    id: cut(message.id),
    source: cut(message.source),
    type: cut(message.type),
    time: cut(message.time),
    contentType: 'application/octet-stream',
    ...(message.key !== undefined && message.key.length <= maxTextLength && { key: message.key }),
    extensions: emptyHeaders,
    headers: { [letterHeader.stub]: place, [letterHeader.stubOf]: String(message.body.byteLength) },
    body: message.body.subarray(0, stubBytes),
  }
  return encodeRecord(stub, { attempt, failure }, letterId)
}
