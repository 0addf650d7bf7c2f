import { randomUUID } from 'node:crypto'
import { attributesOf, messageFromAttributes, type OutgoingMessage } from '../../../src/adapter.js'
import { isMqError, type MessageHeaders, MqError, type RawMessage } from '../../../src/index.js'
import type { Faulty } from './mutation.js'
import type { StoredMessage, WireMessage, WirePublish } from './wire.js'

/** Copies the message, so that later changes to the caller's bytes have no effect. */
export function encode(message: OutgoingMessage, faulty: Faulty): WirePublish {
  const { headers, body, delayMs = 0 } = message
  return {
    message: {
      attributes: encodedAttributes(message, faulty),
      headers: encodedHeaders(headers, faulty),
      body: encodedBody(body, faulty),
    },
    delayMs,
  }
}

function encodedAttributes(message: OutgoingMessage, faulty: Faulty): MessageHeaders {
  const {
    datacontenttype = '',
    partitionkey = '',
    tombstone = '',
    onlygroup = '',
    ...attributes
  } = attributesOf(message)
  return {
    ...(faulty('extensionsLost') ? attributesOf({ ...message, extensions: {} }) : attributes),
    ...(datacontenttype !== '' && !faulty('contentTypeLost') && { datacontenttype }),
    ...(tombstone !== '' && !faulty('tombstoneLost') && { tombstone }),
    ...(partitionkey !== '' && !faulty('keyLost') && { partitionkey }),
    ...(onlygroup !== '' && !faulty('onlyGroupLost') && { onlygroup }),
    ...(faulty('idRegenerated') && { id: randomUUID() }),
    ...(faulty('sourceRewritten') && { source: '/adapter' }),
  }
}

function encodedHeaders(headers: MessageHeaders, faulty: Faulty): MessageHeaders {
  let entries = Object.entries(headers)
  if (faulty('headersMangled')) entries = entries.map(([name, value]) => [name.toLowerCase(), value])
  if (faulty('emptyHeaderDropped')) entries = entries.filter(([, value]) => value !== '')
  return Object.fromEntries(entries)
}

function encodedBody(body: Uint8Array, faulty: Faulty): Uint8Array {
  if (faulty('utf8Body')) return Buffer.from(Buffer.from(body).toString())
  if (faulty('largeBodyCut')) return new Uint8Array(body.subarray(0, 64 * 1024))
  return new Uint8Array(body)
}

/** Creates a message like a program without CloudEvents. */
export const foreign = (body: Uint8Array): WireMessage => ({ attributes: {}, headers: {}, body: new Uint8Array(body) })

export interface Decoded {
  readonly message: RawMessage
  readonly decodeError?: MqError
}

/** Creates a copy for one delivery. An unreadable message has the reason and its bytes. */
export function decode(stored: StoredMessage, topic: string, faulty: Faulty): Decoded {
  const content = {
    headers: Object.assign(Object.create(null), stored.headers),
    body: faulty('sharedMutable') ? stored.body : new Uint8Array(stored.body),
  }
  const id = faulty('foreignIdChanges') ? randomUUID() : `${topic}/${stored.position}`
  const defaults = { id, topic, timeMs: stored.takenAt }
  const attributes = faulty('timeRewritten')
    ? { ...stored.attributes, time: new Date().toISOString() }
    : stored.attributes
  try {
    if (attributes.datacontenttype?.includes('cloudevents') && faulty('structuredRefused')) {
      throw new MqError('MQ_UNDECODABLE', 'The attributes are in the body')
    }
    return { message: messageFromAttributes(attributes, content, defaults) }
  } catch (error) {
    if (!isMqError(error)) throw error
    return { message: messageFromAttributes({ id: attributes.id }, content, defaults), decodeError: error }
  }
}
