import type { Channel, ConsumeMessage } from 'amqplib'

/**
 * The broker hands on 32 answers to a quorum queue and keeps the rest until those are stored; what it still keeps when the
 * channel closes is forgotten, and those messages come again. So a close waits a moment after many answers.
 */
const manyAnswers = 16
const storedWithinMs = 250

/** Acknowledges what ends in one turn together: one frame for all up to the first message that is still out. */
export function createAcknowledger(channel: Channel, oldestOut: () => number) {
  let waiting: ConsumeMessage[] = []
  let flushing: NodeJS.Immediate | undefined
  let answers = 0
  let countedFrom = 0

  function count(): void {
    const now = Date.now()
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
    const limit = oldestOut()
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
      // The channel has closed: the broker hands the messages out again.
    }
  }

  return {
    add(message: ConsumeMessage): void {
      waiting.push(message)
      flushing ??= setImmediate(flush)
    },
    flush,
    /** Another answer than an acknowledgement, which goes its own way. */
    count,
    /** Before a close: resolves when the broker can be expected to have passed on all answers. */
    async stored(): Promise<void> {
      flush()
      const isMany = answers > manyAnswers && Date.now() - countedFrom <= 2 * storedWithinMs
      if (isMany) await new Promise((resolve) => setTimeout(resolve, storedWithinMs))
    },
  }
}
