import type { DeadLetters, Queue } from '@mq/core'

export interface Mortal {
  readonly letters: DeadLetters
  /** The data of messages that were handled. */
  readonly handled: unknown[]
  /** Lets the handler succeed from now on. */
  heal(): void
}

/** Subscribes with a handler that fails, so that each message is a dead letter of the group `g` at once. */
export async function subscribeMortal(queue: Queue, topic: string): Promise<Mortal> {
  const handled: unknown[] = []
  let dies = true
  await queue.subscribe(
    topic,
    ({ data }) => {
      if (dies) throw new Error('no')
      handled.push(data)
    },
    { retry: false },
  )
  return {
    letters: queue.deadLetters(topic, 'g'),
    handled,
    heal() {
      dies = false
    },
  }
}
