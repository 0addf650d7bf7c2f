import type { OutgoingMessage, PublishCall, StoreOutcome } from '@mq/core/adapter'
import type { Topology } from '../topology/topology.js'
import { encodeOutgoing } from '../wire/encode.js'
import type { Outbox } from './outbox.js'

export type Publish = (
  topic: string,
  messages: readonly OutgoingMessage[],
  call: PublishCall,
) => Promise<readonly StoreOutcome[]>

const isDelayed = ({ delayMs = 0 }: OutgoingMessage): boolean => delayMs > 0

/** Publishes messages to their topic, and those with a delay to the topic of delayed messages. */
export function createPublisher({ plan }: Topology, outbox: Outbox): Publish {
  return async (topic, messages, call) => {
    const send = (to: string, some: readonly OutgoingMessage[]): Promise<readonly StoreOutcome[]> =>
      outbox.send(to, some.map(encodeOutgoing), call)
    if (!messages.some(isDelayed)) return await send(plan.main(topic), messages)
    if (messages.every(isDelayed)) return await send(plan.delay(topic), messages)

    const outcomes: StoreOutcome[] = new Array(messages.length)
    const sendThose = async (to: string, isWanted: (message: OutgoingMessage) => boolean): Promise<void> => {
      const wanted = messages.map((message, index) => ({ message, index })).filter(({ message }) => isWanted(message))
      const sent = await send(
        to,
        wanted.map(({ message }) => message),
      )
      wanted.forEach(({ index }, position) => {
        outcomes[index] = sent[position] as StoreOutcome
      })
    }
    await Promise.all([
      sendThose(plan.main(topic), (message) => !isDelayed(message)),
      sendThose(plan.delay(topic), isDelayed),
    ])
    return outcomes
  }
}
