import { setTimeout as sleep } from 'node:timers/promises'
import { MqError, type OutgoingMessage, type PublishCall, type StoreOutcome } from '@mq/core/adapter'
import type { Link } from '../connection/link.js'
import type { Settings } from '../options.js'
import { packMessage } from '../wire/fields.js'
import { createOutbox } from './outbox.js'
import { type Call, giveUpCall, notSentError } from './outgoing.js'

const sweepMs = 50

/** Takes messages for all topics, and sees to it that every call settles in time. */
export function createPublisher(settings: Settings, link: Link) {
  const outboxes = new Map<string, ReturnType<typeof createOutbox>>()
  const calls = new Set<Call>()
  let sweeper: NodeJS.Timeout | undefined
  let count = 0

  /** Every message past its deadline, or whose caller has aborted, gets the outcome that is known by then. */
  function sweep(): void {
    const now = performance.now()
    for (const call of calls) if (call.sweeps++ > 0 && call.asked.signal.aborted) call.deadline = now
    for (const outbox of outboxes.values()) outbox.expire(now, notSentError)
    for (const call of calls) if (now >= call.deadline) giveUpCall(call)
    if (calls.size > 0) return
    clearInterval(sweeper)
    sweeper = undefined
  }

  function outboxOf(topic: string): ReturnType<typeof createOutbox> {
    let outbox = outboxes.get(topic)
    if (outbox === undefined) {
      outbox = createOutbox({ topic, settings, link, onEmpty: () => void outboxes.delete(topic) })
      outboxes.set(topic, outbox)
    }
    return outbox
  }

  return {
    publish(topic: string, messages: readonly OutgoingMessage[], asked: PublishCall): Promise<readonly StoreOutcome[]> {
      return new Promise((resolve) => {
        const call: Call = {
          outcomes: new Array<StoreOutcome | undefined>(messages.length).fill(undefined),
          resolve: (outcomes) => {
            calls.delete(call)
            resolve(outcomes)
          },
          asked,
          deadline: performance.now() + asked.timeoutMs,
          sweeps: 0,
          open: messages.length,
        }
        calls.add(call)
        sweeper ??= setInterval(sweep, sweepMs)
        const outbox = outboxOf(topic)
        messages.forEach((message, index) => {
          const { key, delayMs = 0 } = message
          const { head, body } = packMessage(message, delayMs)
          outbox.add({ call, index, number: count++, key, isDelayed: delayMs > 0, head, body, doubtful: false })
        })
      })
    },
    /** Resolves when nothing is on its way any more, or at the deadline; what is still open then is settled. */
    async close(timeoutMs: number): Promise<void> {
      const endsAt = performance.now() + timeoutMs
      while (calls.size > 0 && performance.now() < endsAt) await sleep(10)
      const closed = new MqError('MQ_PUBLISH_REJECTED', 'Not stored: the adapter was disconnected')
      for (const outbox of outboxes.values()) outbox.close(closed)
      for (const call of calls) call.deadline = 0
      sweep()
    },
  }
}
