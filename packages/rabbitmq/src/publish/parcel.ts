import {
  giveUpParcel,
  isMqError,
  isParcelSettled,
  MqError,
  type PendingCall,
  type PendingParcel,
  settleParcel,
} from '@mq/core/adapter'
import { endsConnection, isOfSender, reply, replyCode, textOf } from '../connection/errors.js'
import type { Need } from '../topology/declarations.js'
import type { Encoded } from '../wire/encode.js'

/** A message with its address. */
export interface Letter extends Encoded {
  readonly exchange: string
  readonly routingKey: string
  readonly need: Need
}

/**
 * How often a parcel may fail: the broker closes the channel without saying for which of the messages in flight, or the queue for its
 * delay is missing.
 */
const maxFailures = 3
const fewMessages = 64

/**
 * How often the broker may refuse a parcel. The pauses add up to 6.3 s, in which queues elect another leader after the death of a
 * node. Each time, the groups that did take the message get another copy.
 */
const maxNacks = 6
const firstNackDelayMs = 100

/** One message on its way to the broker. It is settled once. */
export class Parcel implements PendingParcel {
  readonly letter: Letter
  readonly call: PendingCall
  readonly index: number
  maybeStored = false
  /** The broker had no queue for it. */
  isReturned = false
  /** No broker can store the message: it is too large, the driver cannot write it, or the broker closes the connection over it. */
  isImpossible = false
  #failures = 0
  #connectionsEnded = 0
  #nacks = 0

  constructor(letter: Letter, call: PendingCall, index: number) {
    this.letter = letter
    this.call = call
    this.index = index
  }

  get isSettled(): boolean {
    return isParcelSettled(this)
  }

  get isDelayed(): boolean {
    return this.letter.need.delay !== undefined
  }

  /** Settles it as stored. Which groups will get a delayed message is unknown until it is due. */
  store(): void {
    settleParcel(this, { status: 'stored', routed: this.isDelayed ? 'unknown' : this.isReturned ? 'no' : 'yes' })
  }

  giveUp(why: string, cause?: unknown): void {
    giveUpParcel(this, { why, cause })
  }

  refuse(cause: unknown, { isImpossible = false } = {}): void {
    const isTooLarge = replyCode(cause) === reply.preconditionFailed
    const code = isTooLarge ? 'MQ_MESSAGE_TOO_LARGE' : 'MQ_PUBLISH_REJECTED'
    const refusal = (): MqError => new MqError(code, `RabbitMQ refused the message: ${textOf(cause)}`, { cause })
    const error = isMqError(cause, 'MQ_MESSAGE_TOO_LARGE') ? cause : refusal()
    this.isImpossible = isImpossible || isTooLarge
    settleParcel(this, { status: 'rejected', routed: 'unknown', error })
  }

  /** How often the broker has refused it. */
  get nacks(): number {
    return this.#nacks
  }

  /** Returns the pause before it is sent again, or undefined if it has been refused too often. */
  countNack(): number | undefined {
    this.#nacks += 1
    return this.#nacks > maxNacks ? undefined : firstNackDelayMs * 2 ** (this.#nacks - 1)
  }

  /**
   * How many messages may be in flight together with it, itself included. A message with which a connection ended goes among few
   * others at first, and then alone. So the last failure is its own fault, and no other message is given up for it.
   */
  get maxCompany(): number {
    return this.#connectionsEnded === 0 ? Number.POSITIVE_INFINITY : this.#connectionsEnded === 1 ? fewMessages : 1
  }

  /** Returns true if it may not be sent again. */
  countFailure(fault?: unknown): boolean {
    this.#failures += 1
    if (endsConnection(fault)) this.#connectionsEnded += 1
    const isOver = this.#failures >= maxFailures
    if (isOver && this.#connectionsEnded >= maxFailures && isOfSender(fault)) this.isImpossible = true
    return isOver
  }
}
