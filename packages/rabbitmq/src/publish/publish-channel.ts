import { MqError } from '@mq/core/adapter'
import type { ChannelModel, ConfirmChannel, Message } from 'amqplib'
import { openChannel } from '../connection/channels.js'
import { replyCode } from '../connection/errors.js'
import { exceedsFrame } from '../wire/frame-size.js'
import { FrameWriter } from './frame-writer.js'
import type { Parcel } from './parcel.js'

export interface PublishChannelListener {
  /** Called when the channel can take messages: it was opened, or has room again. */
  readonly onReady: () => void
  /** Called with the answer to a message, and an error if the broker refused it. */
  readonly onAnswer: (parcel: Parcel, error: unknown) => void
  /** Called before the answer if no queue took the message. */
  readonly onReturn: (message: Message) => void
  /** Called when the channel is gone. Messages without an answer will get none. */
  readonly onLost: (fault: unknown) => void
}

const reopenDelayMs = 50

/**
 * After the death of a node RabbitMQ 3.10 may refuse messages for a queue until that node is back. The queue has another leader by
 * then, but the channel asks only the first one. A new channel asks the new leader.
 */
const nacksBeforeRenewal = 3
const minAgeMs = 1_000
/** How long to wait for confirms before switching channels; unconfirmed messages are sent again. */
const drainMs = 1_000

/** The channel with publisher confirms. It is opened on each connection, and again whenever it has closed. */
export class PublishChannel {
  readonly #listener: PublishChannelListener
  #connection: ChannelModel | undefined
  #channel: ConfirmChannel | undefined
  #writer: FrameWriter | undefined
  #frameMax = Number.POSITIVE_INFINITY
  #isWritable = true
  #openedAt = 0
  #reopenTimer: NodeJS.Timeout | undefined
  /** Set while another channel is planned, and nothing is sent. It is opened once nothing is in flight, at this time at the latest. */
  #drainsUntil: number | undefined

  constructor(listener: PublishChannelListener) {
    this.#listener = listener
  }

  get connection(): ChannelModel | undefined {
    return this.#connection
  }

  get isOpen(): boolean {
    return this.#channel !== undefined
  }

  get canSend(): boolean {
    return this.#channel !== undefined && this.#isWritable && this.#drainsUntil === undefined
  }

  useConnection(connection: ChannelModel | undefined): void {
    this.#connection = connection
    if (connection === undefined) return
    this.#frameMax = frameMaxOf(connection)
    void this.#open(connection)
  }

  /** Throws if the channel has just closed, if the driver cannot write the message, or if its headers do not fit a frame. */
  send(parcel: Parcel): void {
    const channel = this.#channel as ConfirmChannel
    const { exchange, routingKey, content, properties } = parcel.letter
    if (exceedsFrame(properties, this.#frameMax)) {
      const text = `its headers exceed a frame of this connection, which has ${this.#frameMax} bytes at most`
      throw new MqError('MQ_MESSAGE_TOO_LARGE', `The message was not sent: ${text}`)
    }
    const onAnswer = (error: unknown): void => {
      // After its channel has closed, a message is sent again, whatever the driver reports.
      if (channel === this.#channel) this.#listener.onAnswer(parcel, error)
    }
    const writer = this.#writer
    const isFirst = writer?.isEmpty === true
    if (writer?.add(parcel.letter, this.#frameMax, onAnswer)) {
      if (writer.isFull) this.#flush(writer)
      else if (isFirst) process.nextTick(() => this.#flush(writer))
      return
    }
    // Those before it go first.
    if (writer !== undefined) this.#flush(writer)
    this.#isWritable = channel.publish(exchange, routingKey, content, properties, onAnswer)
  }

  #flush(writer: FrameWriter): void {
    if (writer !== this.#writer || writer.isEmpty) return
    this.#isWritable = writer.flush()
  }

  /** Plans another channel if the broker has refused a message too often on this one. */
  renewAfter(nacks: number): void {
    const now = performance.now()
    if (nacks >= nacksBeforeRenewal && now - this.#openedAt > minAgeMs) this.#drainsUntil ??= now + drainMs
  }

  /** Opens the planned channel if nothing is in flight any more, or the wait is over. */
  renewIfDrained(isDrained: boolean): void {
    if (this.#drainsUntil === undefined || (!isDrained && performance.now() < this.#drainsUntil)) return
    const old = this.#channel
    if (old === undefined) return
    this.lose()
    old.close().catch(() => {})
  }

  /** Treats the channel as closed, and opens another one. */
  lose(): void {
    if (this.#channel !== undefined) this.#onClose(this.#channel, undefined)
  }

  close(): void {
    clearTimeout(this.#reopenTimer)
    this.#channel = undefined
    this.#writer = undefined
    this.#connection = undefined
  }

  async #open(connection: ChannelModel): Promise<void> {
    let channel: ConfirmChannel
    try {
      channel = await openChannel(connection, 'confirm')
    } catch {
      this.#reopenSoon(connection)
      return
    }
    if (connection !== this.#connection) return
    let fault: unknown
    channel.on('error', (error: unknown) => {
      fault = error
    })
    // The broker closes the whole connection over a frame that it does not understand.
    const onConnectionFault = (error: unknown): void => {
      if (replyCode(error) !== undefined) fault ??= error
    }
    connection.on('error', onConnectionFault)
    channel.on('return', this.#listener.onReturn)
    channel.on('drain', () => {
      this.#isWritable = true
      this.#listener.onReady()
    })
    // Before the driver's own listener, which answers everything that is in flight with an error.
    channel.prependListener('close', () => {
      connection.off('error', onConnectionFault)
      this.#onClose(channel, fault)
    })
    this.#channel = channel
    this.#writer = FrameWriter.for(channel)
    this.#openedAt = performance.now()
    this.#isWritable = true
    this.#listener.onReady()
  }

  #onClose(channel: ConfirmChannel, fault: unknown): void {
    if (this.#channel !== channel) return
    this.#channel = undefined
    this.#writer = undefined
    this.#drainsUntil = undefined
    this.#listener.onLost(fault)
    this.#reopenSoon(this.#connection)
  }

  /** Waits a moment: if the channel closed with its connection, that is known by then. */
  #reopenSoon(connection: ChannelModel | undefined): void {
    clearTimeout(this.#reopenTimer)
    this.#reopenTimer = setTimeout(() => {
      if (connection !== undefined && connection === this.#connection) void this.#open(connection)
    }, reopenDelayMs)
  }
}

/** Returns the most bytes of a frame that the two sides have agreed on. */
function frameMaxOf({ connection }: ChannelModel): number {
  const { frameMax } = connection as unknown as { readonly frameMax?: unknown }
  return typeof frameMax === 'number' && frameMax > 0 ? frameMax : Number.POSITIVE_INFINITY
}
