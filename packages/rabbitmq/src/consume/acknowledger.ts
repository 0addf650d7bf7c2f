import type { Channel, ConsumeMessage } from 'amqplib'

/**
 * The broker passes 32 answers at a time to a quorum queue, and keeps the rest until those are stored. It forgets the rest if the
 * channel closes, and delivers those messages again. Therefore a close waits a moment after many answers.
 */
const manyAnswers = 16
const storedWithinMs = 250

/** Acknowledges messages that end in one turn with one frame, up to the first message that is not settled. */
export function createAcknowledger(channel: Channel, oldestUnsettledTag: () => number) {
  let waiting: ConsumeMessage[] = []
  let flushing: NodeJS.Immediate | undefined
  let answers = 0
  let countedFrom = 0

  function count(): void {
    const now = performance.now()
    if (now - countedFrom > storedWithinMs) {
      countedFrom = now
      answers = 0
    }
    answers += 1
  }

  function flush(): void {
    clearImmediate(flushing)
    flushing = undefined
    const messages = waiting.sort((one, other) => one.fields.deliveryTag - other.fields.deliveryTag)
    waiting = []
    if (messages.length === 0) return
    const limit = oldestUnsettledTag()
    const together = messages.filter(({ fields }) => fields.deliveryTag < limit).length
    try {
      const last = messages[together - 1]
      if (last !== undefined) {
        channel.ack(last, true)
        count()
      }
      for (const message of messages.slice(together)) {
        channel.ack(message)
        count()
      }
    } catch {
      // The channel has closed: the broker delivers the messages again.
    }
  }

  return {
    add(message: ConsumeMessage): void {
      waiting.push(message)
      flushing ??= setImmediate(flush)
    },
    flush,
    /** Counts an answer that was sent separately, such as a refusal. */
    count,
    /** Resolves when the broker can be expected to have passed on all answers. Called before the channel is closed. */
    async untilStored(): Promise<void> {
      flush()
      const isMany = answers > manyAnswers && performance.now() - countedFrom <= 2 * storedWithinMs
      if (isMany) await new Promise((resolve) => setTimeout(resolve, storedWithinMs))
    },
  }
}
