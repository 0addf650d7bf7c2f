import type { RawMessage } from '../contract/message.js'
import { decodeData } from '../wire/codec.js'

/** Decodes the body of a message. Returns undefined if that fails, for places that only show it. */
export function decodedOrUndefined({ body, contentType }: Pick<RawMessage, 'body' | 'contentType'>): unknown {
  try {
    return decodeData(body, contentType)
  } catch {
    return undefined
  }
}
