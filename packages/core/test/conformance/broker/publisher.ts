import { isMqError, MqError, type Outcome, type OutgoingMessage, type PublishCall } from '../../../src/index.js'
import { encode } from './codec.js'
import type { Connection } from './connection.js'
import type { WireOutcome, WirePublish } from './wire.js'

/** One call of `publish` without an answer. */
interface Pending {
  readonly topic: string
  readonly messages: readonly WirePublish[]
  /** Whether the broker may have seen it. */
  sent: boolean
  settle(outcomes: readonly Outcome[]): void
}

/** Sends what is published, again after a connection was lost; the broker knows it by its ids. */
export class Publisher {
  readonly #pending = new Set<Pending>()
  #connection: Connection | undefined
  #blocked = false
  #drained: (() => void) | undefined

  publish(topic: string, messages: readonly OutgoingMessage[], call: PublishCall): Promise<readonly Outcome[]> {
    return new Promise((resolve) => {
      const { signal } = call
      const expire = (): void => pending.settle(this.#unanswered(pending, 'No answer in time'))
      const timer = setTimeout(expire, Math.min(call.timeoutMs, 2 ** 31 - 1))
      const pending: Pending = {
        topic,
        messages: messages.map(encode),
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
      signal.addEventListener('abort', expire)
      if (signal.aborted) expire()
      else this.#send(pending)
    })
  }

  up(connection: Connection): void {
    this.#connection = connection
    this.#flush()
  }

  down(): void {
    this.#connection = undefined
  }

  /** While the broker takes no messages, they wait here. */
  set blocked(blocked: boolean) {
    const wasBlocked = this.#blocked
    this.#blocked = blocked
    if (wasBlocked && !blocked) this.#flush()
  }

  /** Resolves when nothing is pending, at the latest after `deadlineMs`. */
  async drained(deadlineMs: number): Promise<void> {
    if (this.#pending.size === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, deadlineMs)
      this.#drained = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Settles what is still pending. */
  abandon(): void {
    for (const pending of [...this.#pending]) pending.settle(this.#unanswered(pending, 'The adapter was disconnected'))
  }

  #flush(): void {
    for (const pending of this.#pending) this.#send(pending)
  }

  #send(pending: Pending): void {
    const connection = this.#connection
    if (connection === undefined || this.#blocked) return
    pending.sent = true
    const { topic, messages } = pending
    connection.ask<'publish'>({ type: 'publish', topic, messages }).then(
      (outcomes) => pending.settle(outcomes.map(outcomeOf)),
      (error) => {
        // Lost with its connection: the next one takes it again.
        if (!isMqError(error, 'MQ_CONNECTION_LOST')) pending.settle(this.#unanswered(pending, String(error)))
      },
    )
  }

  #unanswered({ messages, sent }: Pending, why: string): readonly Outcome[] {
    const outcome: Outcome = sent
      ? { status: 'unknown', routed: 'unknown', error: new MqError('MQ_PUBLISH_UNKNOWN', `${why}; it was sent`) }
      : { status: 'rejected', routed: 'no', error: new MqError('MQ_PUBLISH_REJECTED', `${why}; it was never sent`) }
    return messages.map(() => outcome)
  }
}

function outcomeOf(outcome: WireOutcome): Outcome {
  if (outcome.status === 'stored') return outcome
  return { status: 'rejected', routed: 'no', error: new MqError('MQ_PUBLISH_REJECTED', outcome.text) }
}
