import { MqError, type PublishCall } from '@mq/core/adapter'
import type { Options } from 'amqplib'
import { reply, replyCode, textOf } from '../connection/errors.js'
import type { Need } from '../topology/declarations.js'

/**
 * What became of a parcel. `isReturned`: the broker had no queue for it. `isImpossible`: no broker will ever take it, as it is
 * too large, or the driver cannot write it.
 */
export type Sent =
  | { readonly status: 'stored'; readonly isReturned: boolean }
  | { readonly status: 'rejected' | 'unknown'; readonly error: MqError; readonly isImpossible?: boolean }

export interface ParcelContent {
  readonly exchange: string
  readonly routingKey: string
  readonly content: Buffer
  readonly properties: Options.Publish
  readonly need: Need
  /** By `Date.now()`; `Infinity` for none. */
  readonly deadline: number
  /** Its signal is looked at only when an answer does not come at once: making one has a price. */
  readonly call?: PublishCall
}

/** How often a parcel may be among those in flight when the broker closes the channel without saying for which. */
const maxStrikes = 3

/** One message on its way to the broker. It is settled once, whatever comes first. */
export class Parcel {
  readonly to: ParcelContent
  readonly #settle: (sent: Sent) => void
  #settled = false
  /** The broker may have it. */
  wasSent = false
  isReturned = false
  #strikes = 0
  #nacks = 0
  #sweeps = 0

  constructor(to: ParcelContent, settle: (sent: Sent) => void) {
    this.to = to
    this.#settle = settle
  }

  get isSettled(): boolean {
    return this.#settled
  }

  settle(sent: Sent): void {
    if (this.#settled) return
    this.#settled = true
    this.#settle(sent)
  }

  store(): void {
    this.settle({ status: 'stored', isReturned: this.isReturned })
  }

  /** Called now and then while there is no answer. */
  sweep(now: number, why: string): void {
    if (this.to.deadline <= now) this.giveUp(why)
    else if (this.#sweeps++ > 0 && this.to.call?.signal.aborted)
      this.giveUp('the caller has aborted', this.to.call.signal.reason)
  }

  /** With no answer: `unknown` if it ever left, `rejected` if it did not. */
  giveUp(why: string, cause?: unknown): void {
    const options = cause === undefined ? {} : { cause }
    if (this.wasSent) {
      const error = new MqError('MQ_PUBLISH_UNKNOWN', `The message may or may not be stored: ${why}`, options)
      this.settle({ status: 'unknown', error })
    } else {
      this.settle({ status: 'rejected', error: new MqError('MQ_PUBLISH_REJECTED', `Not sent: ${why}`, options) })
    }
  }

  /** Nobody waits for it any more; it is not sent if it was not yet. */
  cancel(): void {
    this.giveUp('nobody waits for it any more')
  }

  refuse(cause: unknown, { isImpossible = false } = {}): void {
    const isTooLarge = replyCode(cause) === reply.preconditionFailed
    const code = isTooLarge ? 'MQ_MESSAGE_TOO_LARGE' : 'MQ_PUBLISH_REJECTED'
    this.settle({
      status: 'rejected',
      error: new MqError(code, `RabbitMQ refused the message: ${textOf(cause)}`, { cause }),
      isImpossible: isImpossible || isTooLarge,
    })
  }

  /** How often the broker has refused it. */
  get nacks(): number {
    return this.#nacks
  }

  /** How long to wait before it is sent again; undefined when it has been refused often enough. */
  nacked(): number | undefined {
    this.#nacks += 1
    return this.#nacks > maxNacks ? undefined : firstNackDelayMs * 2 ** (this.#nacks - 1)
  }

  /** True when it may not be tried again. */
  strike(): boolean {
    this.#strikes += 1
    return this.#strikes >= maxStrikes
  }
}

/**
 * For 6.3 s in all, in which queues have another leader after the death of a node. Each time, the groups that did take it get another
 * copy.
 */
const maxNacks = 6
const firstNackDelayMs = 100

/** Those for which the broker closed the channel, as far as its words tell. */
export function culprits(fault: unknown, inFlight: Iterable<Parcel>): Parcel[] | undefined {
  const text = textOf(fault)
  const code = replyCode(fault)
  if (code === reply.accessRefused) {
    const exchange = /exchange '([^']*)'/.exec(text)?.[1]
    if (exchange === undefined) return undefined
    return [...inFlight].filter(
      ({ to }) => to.exchange === exchange || (exchange === 'amq.default' && to.exchange === ''),
    )
  }
  if (code === reply.preconditionFailed) {
    const bytes = Number(/message size (\d+)/.exec(text)?.[1])
    const found = [...inFlight].filter(({ to }) => to.content.length === bytes)
    return found.length > 0 ? found : undefined
  }
  return undefined
}
