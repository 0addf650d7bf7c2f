import {
  attributesOf,
  isMqError,
  type MqError,
  messageFromAttributes,
  type OutgoingMessage,
  type RawMessage,
} from '../../../src/index.js'
import type { StoredMessage, WireMessage, WirePublish } from './wire.js'

/** A copy: what the caller does to its bytes afterwards changes nothing. */
export function encode(message: OutgoingMessage): WirePublish {
  const { headers, body, delayMs = 0 } = message
  return {
    message: { attributes: attributesOf(message), headers: { ...headers }, body: new Uint8Array(body) },
    delayMs,
  }
}

/** What a program writes that knows nothing of CloudEvents. */
export const foreign = (body: Uint8Array): WireMessage => ({ attributes: {}, headers: {}, body: new Uint8Array(body) })

export interface Decoded {
  readonly message: RawMessage
  readonly decodeError?: MqError
}

/** A copy for one delivery. What cannot be read comes with the reason, and with its bytes. */
export function decode(stored: StoredMessage, topic: string): Decoded {
  const content = { headers: Object.assign(Object.create(null), stored.headers), body: new Uint8Array(stored.body) }
  const defaults = { id: `${topic}/${stored.position}`, topic, timeMs: stored.takenAt }
  try {
    return { message: messageFromAttributes(stored.attributes, content, defaults) }
  } catch (error) {
    if (!isMqError(error)) throw error
    const { id } = stored.attributes
    return { message: messageFromAttributes({ id }, content, defaults), decodeError: error }
  }
}
