import type { DeadLetter, Failure, Message, RawMessage, WaitingMessage } from '@mq/core'
import { safeJson, shortened } from './escape.js'
import { isoTime } from './show.js'

type Shown = Pick<RawMessage, 'id' | 'source' | 'type' | 'headers' | 'extensions'> & {
  readonly key?: string | undefined
}

/** The parts of a message that programs get. */
const attributes = ({ id, key, source, type, headers, extensions }: Shown) => ({
  id,
  key: key ?? null,
  source,
  type,
  headers,
  extensions,
})

export const messageJson = (message: Message) => ({
  topic: message.topic,
  ...attributes(message),
  time: message.time.toISOString(),
  tombstone: message.tombstone,
  ...dataJson(message.data),
})

export const deadLetterJson = ({ entryId, message, data, tombstone, failure }: DeadLetter) => ({
  entryId,
  ...attributes(message),
  time: message.time,
  tombstone,
  ...dataJson(data, message.body),
  failure: failureJson(failure),
})

export const waitingJson = (one: WaitingMessage) => {
  const { entryId, state, message, data, tombstone, attempt, failure, dueAt, startedAt } = one
  return {
    entryId,
    state,
    ...attributes(message),
    time: message.time,
    tombstone,
    ...dataJson(data, message.body),
    attempt,
    dueAt: dueAt === undefined ? null : isoTime(dueAt),
    startedAt: startedAt === undefined ? null : isoTime(startedAt),
    failure: failure === undefined ? null : failureJson(failure),
  }
}

const failureJson = (failure: Failure) => ({
  ...failure,
  firstFailedAt: isoTime(failure.firstFailedAt),
  failedAt: isoTime(failure.failedAt),
})

/** JSON has no bytes: they are base64, under another name than data. */
function dataJson(data: unknown, body?: Uint8Array): { data: unknown } | { base64: string } {
  if (data instanceof Uint8Array) return { base64: Buffer.from(data).toString('base64') }
  if (data === undefined && body !== undefined) return { base64: Buffer.from(body).toString('base64') }
  return { data: data ?? null }
}

/** Shows data on one line, cut to a length. */
export function shownData(data: unknown, maxLength: number, body?: Uint8Array): string {
  const bytes = data instanceof Uint8Array ? data : data === undefined ? body : undefined
  if (bytes !== undefined) return `(${bytes.byteLength} bytes that are no text)`
  return typeof data === 'string' ? shortened(data, maxLength) : shortened(safeJson(data), maxLength)
}
