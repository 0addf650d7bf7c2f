import type { MessageHeaders } from './headers.js'

/**
 * A message as adapters store and deliver it: a CloudEvent (https://github.com/cloudevents/spec, version 1.0) in binary content mode,
 * with the application's headers beside the attributes.
 */
export interface RawMessage {
  /** CloudEvents `id`. At most 255 bytes without control characters, whoever has written the message. */
  readonly id: string
  /** CloudEvents `source`: a URI reference that names the publisher. At most 1,024 bytes. */
  readonly source: string
  /** CloudEvents `type`: the topic, unless another program has written the message. At most 1,024 bytes. */
  readonly type: string
  /** CloudEvents `time` (RFC 3339). If the message came without one, the time at which the broker took it. */
  readonly time: string
  /** CloudEvents `datacontenttype`. Absent if another program left it out. */
  readonly contentType?: string
  /** CloudEvents `partitionkey`. Messages of one key keep their order in an `ordered` subscription. */
  readonly key?: string
  /** All other CloudEvents attributes by their lower-case names, `traceparent` for example. */
  readonly extensions: MessageHeaders
  readonly headers: MessageHeaders
  readonly body: Uint8Array
}

/** A message on its way to the broker. */
export interface OutgoingMessage extends RawMessage {
  /** The message is not delivered before this time has passed on the broker's clock. */
  readonly delayMs?: number
}

/** The type of a value while its parts are being set. */
export type Writable<Made> = { -readonly [Name in keyof Made]: Made[Name] }

/** A message as a handler gets it. It is frozen; `data` belongs to this delivery alone. */
export interface Message<Data = unknown> {
  /** The same on every attempt and in every group. */
  readonly id: string
  readonly topic: string
  /** Null if the message is a tombstone. */
  readonly data: Data
  /**
   * True if the message deletes its key and has no data. A subscription to an event definition gets such a message only with
   * `tombstones: true`.
   */
  readonly tombstone: boolean
  readonly headers: MessageHeaders
  /** Undefined if the message has no key. */
  readonly key: string | undefined
  /** The time of the publish. */
  readonly time: Date
  /** 1 on the first run. It never goes down. `capabilities.countsCrashes` says whether runs that crashed are counted. */
  readonly attempt: number
  /** CloudEvents `source`. */
  readonly source: string
  /** CloudEvents `type`. */
  readonly type: string
  /** CloudEvents attributes beyond the ones above. */
  readonly extensions: MessageHeaders
}

/** A message that deletes its key. */
export interface Tombstone extends Message<null> {
  readonly tombstone: true
}

/** A message as a handler with `tombstones: true` gets it: `if (message.tombstone)` tells the two apart. */
export type MessageOrTombstone<Data = unknown> = (Message<Data> & { readonly tombstone: false }) | Tombstone
