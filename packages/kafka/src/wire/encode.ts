import { attributesOf, encodeFailure, type Failure, type OutgoingMessage, type RawMessage } from '@mq/core/adapter'
import type { OutgoingHeader, OutgoingRecord } from '../driver/records/record-writer.js'
import { headerOf, ownHeader } from './headers.js'

/** The history of a message in its group, beside what was published. */
export interface Envelope {
  readonly attempt?: number | undefined
  readonly failure?: Failure | undefined
  /** Counted from the record's timestamp, or from now if that lies in the future. */
  readonly delayMs?: number | undefined
}

/** Encodes a CloudEvent in Kafka's binary content mode: attributes as `ce_` headers, the body as the value. */
export function encodeRecord(
  message: RawMessage,
  { attempt, failure, delayMs }: Envelope = {},
  key: string | null = message.key ?? null,
): OutgoingRecord {
  const attributes = attributesOf(message)
  const headers: OutgoingHeader[] = []
  for (const name in message.headers) headers.push({ name, value: message.headers[name] as string })
  for (const name in attributes) {
    headers.push({ name: headerOf.get(name) ?? `ce_${name}`, value: attributes[name] as string })
  }
  if (attempt !== undefined && attempt > 1) headers.push({ name: ownHeader.attempt, value: String(attempt) })
  if (failure !== undefined) headers.push({ name: ownHeader.failure, value: encodeFailure(failure) })
  if (delayMs !== undefined && delayMs > 0) headers.push({ name: ownHeader.delay, value: String(Math.ceil(delayMs)) })
  const { buffer, byteOffset, byteLength } = message.body
  return { key, value: Buffer.from(buffer, byteOffset, byteLength), headers }
}

export const encodeOutgoing = (message: OutgoingMessage): OutgoingRecord =>
  encodeRecord(message, { delayMs: message.delayMs })
