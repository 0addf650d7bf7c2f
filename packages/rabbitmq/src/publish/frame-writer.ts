import type { ConfirmChannel } from 'amqplib'
import { type Framed, PublishFrames } from '../wire/publish-frames.js'

// See docs/decisions/0039-rabbitmq-frames.md.

/** The parts of the driver's channel that its own `publish` uses. */
interface Driver {
  readonly ch: number
  readonly sendMessage: unknown
  pushConfirmCallback(callback: (error: unknown) => void): void
  readonly connection: {
    readonly sendMessage: unknown
    sentSinceLastCheck: boolean
    readonly channels: readonly ({ readonly buffer: { write(bytes: Buffer): boolean } } | undefined)[]
  }
}

/** Instrumentations that use shimmer, as those of OpenTelemetry do, mark each function with which they replace one of a class. */
const isWrapped = (publish: unknown): boolean => typeof publish === 'function' && '__wrapped' in publish

/** Says whether somebody has replaced a function of the driver that each message passes, and expects to see it. */
const isWatched = (channel: ConfirmChannel): boolean =>
  isWrapped(channel.publish) ||
  Object.hasOwn(channel, 'publish') ||
  Object.hasOwn(channel, 'sendMessage') ||
  Object.hasOwn((channel as Partial<ConfirmChannel>).connection ?? {}, 'sendMessage')

function driverOf(channel: ConfirmChannel): Driver | undefined {
  if (isWatched(channel)) return undefined
  const { ch, sendMessage, pushConfirmCallback, connection } = channel as unknown as Partial<Driver>
  const isKnown =
    typeof ch === 'number' &&
    typeof sendMessage === 'function' &&
    typeof pushConfirmCallback === 'function' &&
    typeof connection?.sendMessage === 'function' &&
    typeof connection.sentSinceLastCheck === 'boolean' &&
    typeof connection.channels?.[ch]?.buffer?.write === 'function'
  return isKnown ? (channel as unknown as Driver) : undefined
}

/** As much as a channel of the driver takes before it asks its sender to wait. */
const fullBytes = 16 * 1_024

/** Writes the messages of one turn to a channel at once, past the driver's own encoding. */
export class FrameWriter {
  readonly #driver: Driver
  readonly #frames: PublishFrames
  readonly #send: unknown
  readonly #sendAll: unknown

  private constructor(driver: Driver) {
    this.#driver = driver
    this.#frames = new PublishFrames(driver.ch)
    this.#send = driver.sendMessage
    this.#sendAll = driver.connection.sendMessage
  }

  /** Returns undefined if the driver is one whose channels look different, or has to publish each message itself. */
  static for(channel: ConfirmChannel): FrameWriter | undefined {
    const driver = driverOf(channel)
    return driver && new FrameWriter(driver)
  }

  get isEmpty(): boolean {
    return this.#frames.size === 0
  }

  get isFull(): boolean {
    return this.#frames.size >= fullBytes
  }

  /** Adds a message. Returns false for one that the driver has to publish itself, or to refuse because the channel has closed. */
  add(message: Framed, frameMax: number, onAnswer: (error: unknown) => void): boolean {
    if (this.#isClosed || !this.#frames.add(message, frameMax)) return false
    this.#driver.pushConfirmCallback(onAnswer)
    return true
  }

  /** Writes what was added. Returns whether the driver takes more. After the end of the channel nothing is written, nor answered. */
  flush(): boolean {
    const bytes = this.#frames.take()
    const { ch, connection } = this.#driver
    const buffer = connection.channels[ch]?.buffer
    if (this.#isClosed || buffer === undefined) return false
    connection.sentSinceLastCheck = true
    return buffer.write(bytes)
  }

  /** The driver replaces these functions when it closes. */
  get #isClosed(): boolean {
    return this.#driver.sendMessage !== this.#send || this.#driver.connection.sendMessage !== this.#sendAll
  }
}
