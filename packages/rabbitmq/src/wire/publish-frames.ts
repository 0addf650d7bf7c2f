import type { Options } from 'amqplib'
import { frameLayout, frameType, propertyFlag } from '../connection/frame-layout.js'
import { FrameBytes } from './frame-bytes.js'

// See docs/decisions/0039-rabbitmq-frames.md.

/** A message with its route, as its frames have it. */
export interface Framed {
  readonly exchange: string
  readonly routingKey: string
  readonly content: Buffer
  readonly properties: Options.Publish
}

/** Larger bodies are not worth a copy beside the headers: the driver writes those messages. */
const maxBodyBytes = 4_096

const persistentMode = 2
/** The class `basic`, and its method `publish` with the number of a ticket, which no broker uses any more. */
const publishMethod = Buffer.from([0, 60, 0, 40, 0, 0])
/** The class `basic` and its weight. */
const basicHeader = Buffer.from([0, 60, 0, 0])
const mandatoryBit = 1

/** The properties that `encode` writes. */
const known: ReadonlySet<string> = new Set([
  'headers',
  'messageId',
  'persistent',
  'mandatory',
  'contentType',
  'timestamp',
])

/**
 * Gathers messages as the frames that publish them, byte for byte as the driver would write them. Most of a message is the same as in the
 * one before it, and is copied instead of encoded again.
 */
export class PublishFrames {
  readonly #channel: number
  readonly #bytes = new FrameBytes()
  /** The route of the last message, and the frame that names it. */
  #route: { readonly exchange: string; readonly routingKey: string; readonly bytes: Buffer } | undefined

  constructor(channel: number) {
    this.#channel = channel
  }

  get size(): number {
    return this.#bytes.size
  }

  /** Adds a message. Returns false, and adds nothing, for one that is left to the driver: it has more than `encode` writes, or a large body. */
  add({ exchange, routingKey, content, properties }: Framed, frameMax: number): boolean {
    if (
      content.length > Math.min(maxBodyBytes, frameMax - frameLayout.payloadAt - frameLayout.endBytes) ||
      !isPlain(properties)
    )
      return false
    const start = this.#bytes.size
    if (this.#addRoute(exchange, routingKey) && this.#addProperties(properties, content.length)) {
      if (content.length > 0) this.#addBody(content)
      return true
    }
    this.#bytes.truncate(start)
    return false
  }

  /** Returns what was added since the last call. */
  take(): Buffer {
    return this.#bytes.take()
  }

  #addRoute(exchange: string, routingKey: string): boolean {
    const bytes = this.#bytes
    if (this.#route?.exchange === exchange && this.#route.routingKey === routingKey) {
      bytes.copy(this.#route.bytes)
      return true
    }
    const start = bytes.size
    const frameAt = bytes.beginFrame(frameType.method, this.#channel)
    bytes.copy(publishMethod)
    if (!bytes.shortText(exchange) || !bytes.shortText(routingKey)) return false
    bytes.octet(mandatoryBit)
    bytes.endFrame(frameAt)
    this.#route = { exchange, routingKey, bytes: bytes.copyFrom(start) }
    return true
  }

  #addProperties({ contentType, headers, messageId, timestamp }: Options.Publish, bodyBytes: number): boolean {
    const bytes = this.#bytes
    const frameAt = bytes.beginFrame(frameType.header, this.#channel)
    bytes.copy(basicHeader)
    bytes.long(bodyBytes)
    bytes.short(
      propertyFlag.headers |
        propertyFlag.deliveryMode |
        propertyFlag.messageId |
        (contentType === undefined ? 0 : propertyFlag.contentType) |
        (timestamp === undefined ? 0 : propertyFlag.timestamp),
    )
    if (contentType !== undefined && !bytes.shortText(contentType)) return false
    const tableAt = bytes.beginTable()
    for (const name in headers) if (!bytes.textField(name, headers[name] as string)) return false
    bytes.endTable(tableAt)
    bytes.octet(persistentMode)
    if (!bytes.shortText(messageId as string)) return false
    if (timestamp !== undefined) bytes.long(timestamp)
    bytes.endFrame(frameAt)
    return true
  }

  #addBody(content: Buffer): void {
    const frameAt = this.#bytes.beginFrame(frameType.body, this.#channel)
    this.#bytes.copy(content)
    this.#bytes.endFrame(frameAt)
  }
}

/** Says whether the properties are such as `encode` writes: a few, with texts as headers. */
function isPlain(properties: Options.Publish): boolean {
  for (const name in properties) if (!known.has(name)) return false
  const { persistent, mandatory, messageId, timestamp = 0, headers } = properties
  if (persistent !== true || mandatory !== true || typeof messageId !== 'string') return false
  if (!Number.isSafeInteger(timestamp) || timestamp < 0) return false
  for (const name in headers) if (typeof headers[name] !== 'string') return false
  return true
}
