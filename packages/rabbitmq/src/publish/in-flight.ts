import type { Message } from 'amqplib'
import { reply, replyCode, textOf } from '../connection/errors.js'
import type { Parcel } from './parcel.js'

/** The messages that were sent and have no answer yet, the oldest first. */
export class InFlight {
  readonly #parcels = new Set<Parcel>()
  #maxSize = Number.POSITIVE_INFINITY

  get size(): number {
    return this.#parcels.size
  }

  has(parcel: Parcel): boolean {
    return this.#parcels.has(parcel)
  }

  add(parcel: Parcel): void {
    this.#parcels.add(parcel)
    this.#maxSize = this.#parcels.size === 1 ? parcel.maxCompany : Math.min(this.#maxSize, parcel.maxCompany)
  }

  /** Says whether a message may be sent now, or has to wait because one of them has ended a connection. */
  admits(parcel: Parcel): boolean {
    return this.#parcels.size === 0 || this.#parcels.size < Math.min(this.#maxSize, parcel.maxCompany)
  }

  delete(parcel: Parcel): boolean {
    return this.#parcels.delete(parcel)
  }

  /** Notes that the broker returned a message. It does so before it confirms it, and in the order of publishing. */
  markReturned({ fields, properties }: Message): void {
    for (const parcel of this.#parcels) {
      const { letter, isReturned } = parcel
      const isSameRoute = letter.exchange === fields.exchange && letter.routingKey === fields.routingKey
      if (isReturned || !isSameRoute || letter.properties.messageId !== properties.messageId) continue
      parcel.isReturned = true
      return
    }
  }

  /**
   * Refuses the messages for which the broker has closed the channel, so that the others do not fail with them. Returns false if the
   * broker does not say which they are; then each message has failed once more.
   */
  fail(fault: unknown): boolean {
    const blamed = messagesBlamedBy(fault, this.#parcels)
    if (blamed === undefined) {
      for (const parcel of this.#parcels) {
        if (parcel.countFailure(fault)) parcel.giveUp(textOf(fault), fault)
      }
      return false
    }
    for (const parcel of blamed) parcel.refuse(fault)
    return true
  }

  dropSettled(): void {
    for (const parcel of this.#parcels) if (parcel.isSettled) this.#parcels.delete(parcel)
  }

  /** Removes all messages, and returns those that are not settled. */
  clear(): Parcel[] {
    const unsettled = [...this.#parcels].filter((parcel) => !parcel.isSettled)
    this.#parcels.clear()
    return unsettled
  }
}

/** Returns undefined if the text of the broker does not say for which messages it closed the channel. */
function messagesBlamedBy(fault: unknown, inFlight: Iterable<Parcel>): Parcel[] | undefined {
  const text = textOf(fault)
  const code = replyCode(fault)
  if (code === reply.accessRefused) {
    const refused = /exchange '([^']*)'/.exec(text)?.[1]
    if (refused === undefined) return undefined
    const exchange = refused === 'amq.default' ? '' : refused
    return [...inFlight].filter(({ letter }) => letter.exchange === exchange)
  }
  if (code === reply.preconditionFailed) {
    const bytes = Number(/message size (\d+)/.exec(text)?.[1])
    const found = [...inFlight].filter(({ letter }) => letter.content.length === bytes)
    return found.length > 0 ? found : undefined
  }
  return undefined
}
