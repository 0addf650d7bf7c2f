import { EventEmitter } from 'node:events'
import type { OutgoingMessage, PublishCall, StoreOutcome } from '../../../src/adapter.js'
import { isMqError, MqError } from '../../../src/index.js'
import { encode } from './codec.js'
import type { Connection } from './connection.js'
import type { Faulty } from './mutation.js'
import type { WireOutcome, WirePublish } from './wire.js'

/** One call of `publish` without an answer. */
interface Pending {
  readonly topic: string
  readonly messages: readonly WirePublish[]
  /** Whether the broker may have seen it. */
  sent: boolean
  settle(outcomes: readonly StoreOutcome[]): void
}

/** Sends messages, and repeats them after a lost connection. The broker recognises them by their ids. */
export class Publisher {
  readonly #pending = new Set<Pending>()
  #connection: Connection | undefined
  #blocked = false
  #wasUp = false
  #drained: (() => void) | undefined
  readonly #faulty: Faulty
  readonly #closing = new EventEmitter()

  constructor(faulty: Faulty) {
    this.#faulty = faulty
  }

  publish(topic: string, messages: readonly OutgoingMessage[], call: PublishCall): Promise<readonly StoreOutcome[]> {
    return new Promise((resolve) => {
      const { signal } = call
      const expire = (): void => {
        if (this.#faulty('publishNeverSettles') && pending.sent) return
        pending.settle(this.#unanswered(pending, 'No answer in time'))
      }
      const timer = setTimeout(expire, Math.min(call.timeoutMs, 2 ** 31 - 1))
      const pending: Pending = {
        topic,
        messages: messages.map((message) => encode(message, this.#faulty)),
        sent: false,
        settle: (outcomes) => {
          this.#pending.delete(pending)
          clearTimeout(timer)
          signal.removeEventListener('abort', expire)
          resolve(outcomes)
          if (this.#pending.size === 0) this.#drained?.()
        },
      }
      this.#pending.add(pending)
      if (this.#faulty('listenerPerPublish')) this.#closing.once('close', expire)
      signal.addEventListener('abort', expire)
      if (signal.aborted) expire()
      else this.#send(pending)
    })
  }

  up(connection: Connection): void {
    if (this.#wasUp && this.#faulty('publisherForgotten')) return
    this.#wasUp = true
    this.#connection = connection
    this.#flush()
  }

  down(): void {
    this.#connection = undefined
  }

  /** Whether the broker accepts no messages, so that they wait here. */
  set blocked(blocked: boolean) {
    const wasBlocked = this.#blocked
    this.#blocked = blocked
    if (wasBlocked && !blocked) this.#flush()
  }

  /** Resolves when nothing is pending, after `timeoutMs` at the latest. */
  async drained(timeoutMs: number): Promise<void> {
    if (this.#pending.size === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#drained = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Settles all pending calls. */
  abandon(): void {
    for (const pending of [...this.#pending]) pending.settle(this.#unanswered(pending, 'The adapter was disconnected'))
  }

  #flush(): void {
    const inOrder = [...this.#pending]
    for (const pending of this.#faulty('sentAgainBackwards') ? inOrder.reverse() : inOrder) {
      if (!(pending.sent && this.#faulty('publishNeverSettles'))) this.#send(pending)
    }
  }

  #send(pending: Pending): void {
    const connection = this.#connection
    if (this.#blocked && this.#faulty('blockedIsStored')) pending.settle(pending.messages.map(() => stored))
    if (connection === undefined || this.#blocked) return
    pending.sent = true
    const { topic, messages } = pending
    connection.ask<'publish'>({ type: 'publish', topic, messages: this.#batch(messages) }).then(
      (outcomes) => pending.settle(messages.map((_, index) => this.#outcomeOf(outcomes[index]))),
      (error) => {
        if (this.#faulty('lostAnswerIsRejection')) pending.settle(messages.map(() => rejected(String(error))))
        if (this.#faulty('lostIsStored')) pending.settle(messages.map(() => stored))
        // The request was lost with its connection. The next connection sends it again.
        if (!isMqError(error, 'MQ_CONNECTION_LOST')) pending.settle(this.#unanswered(pending, String(error)))
      },
    )
    if (this.#faulty('publishResolvesEarly')) pending.settle(messages.map(() => stored))
  }

  #batch(messages: readonly WirePublish[]): readonly WirePublish[] {
    if (this.#faulty('batchLosesLast') && messages.length > 1) return messages.slice(0, -1)
    if (this.#faulty('batchReversed')) return [...messages].reverse()
    return messages
  }

  #outcomeOf(outcome: WireOutcome | undefined): StoreOutcome {
    if (outcome === undefined) return stored
    if (outcome.status === 'rejected') return rejected(outcome.text)
    if (this.#faulty('routedAlwaysYes')) return stored
    if (this.#faulty('routedAlwaysNo')) return { status: 'stored', routed: 'no' }
    return outcome
  }

  #unanswered({ messages, sent: wasSent }: Pending, why: string): readonly StoreOutcome[] {
    const sent = wasSent && !(this.#connection === undefined && this.#faulty('doubtForgotten'))
    if (this.#faulty('unknownIsStored')) return messages.map(() => stored)
    return messages.map(() => (sent ? unknown(`${why}; it was sent`) : rejected(`${why}; it was never sent`)))
  }
}

const stored: StoreOutcome = { status: 'stored', routed: 'yes' }

const rejected = (why: string): StoreOutcome => ({
  status: 'rejected',
  routed: 'no',
  error: new MqError('MQ_PUBLISH_REJECTED', why),
})

const unknown = (why: string): StoreOutcome => ({
  status: 'unknown',
  routed: 'unknown',
  error: new MqError('MQ_PUBLISH_UNKNOWN', why),
})
