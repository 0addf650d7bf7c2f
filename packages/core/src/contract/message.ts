import { shown } from './checks.js'
import { MqError } from './errors.js'
import type { MessageHeaders } from './headers.js'

/**
 * A message as adapters store and deliver it: a CloudEvent (https://github.com/cloudevents/spec, version 1.0) in binary
 * content mode, with the application's headers beside the attributes.
 */
export interface RawMessage {
  /** CloudEvents `id`. At most 255 bytes. */
  readonly id: string
  /** CloudEvents `source`: what published it, as a URI reference. */
  readonly source: string
  /** CloudEvents `type`: the topic, unless another program wrote the message. */
  readonly type: string
  /** CloudEvents `time` (RFC 3339). For a message that came without one, when the broker took it. */
  readonly time: string
  /** CloudEvents `datacontenttype`. Absent where another program left it out. */
  readonly contentType?: string
  /** CloudEvents `partitionkey`. Messages of one key keep their order in an `ordered` subscription. */
  readonly key?: string
  /** All other CloudEvents attributes, `traceparent` for example, by their lower-case names. */
  readonly extensions: MessageHeaders
  readonly headers: MessageHeaders
  readonly body: Uint8Array
}

/** A message on its way to the broker. */
export interface OutgoingMessage extends RawMessage {
  /** Not to be delivered before this many milliseconds have passed on the broker's clock. */
  readonly delayMs?: number
}

/** While it is being made. */
export type Writable<Made> = { -readonly [Name in keyof Made]: Made[Name] }

/** What a handler gets. Frozen; `data` belongs to this delivery alone. */
export interface Message<Data = unknown> {
  /** The same on every attempt and in every group. */
  readonly id: string
  readonly topic: string
  readonly data: Data
  readonly headers: MessageHeaders
  /** Undefined where none was given. */
  readonly key: string | undefined
  /** When it was published. */
  readonly time: Date
  /** 1 on the first run. It never goes down; after a crash it may be exact or not (`capabilities.countsCrashes`). */
  readonly attempt: number
  /** CloudEvents `source`. */
  readonly source: string
  /** CloudEvents `type`. */
  readonly type: string
  /** CloudEvents attributes beyond the ones above. */
  readonly extensions: MessageHeaders
}

/** The bytes that count towards `capabilities.maxMessageBytes`: body, header names and values, key and id. */
export function messageBytes(message: RawMessage, headerBytes: number): number {
  return message.body.byteLength + headerBytes + Buffer.byteLength(message.id) + Buffer.byteLength(message.key ?? '')
}

/** RFC 3986, as CloudEvents asks: no spaces and no control characters are what a URI reference cannot have. */
export function requireSource(source: unknown): string {
  if (typeof source !== 'string') throw new TypeError(`source must be a string, not ${shown(source)}`)
  if (!/^[\x21-\x7e]{1,255}$/.test(source)) {
    throw new MqError('MQ_INVALID_OPTION', `source must be a URI reference in ASCII, not ${shown(source)}`)
  }
  return source
}
