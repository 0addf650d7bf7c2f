import type { OutgoingMessage, PublishCall, StoreOutcome } from '@mq/core/adapter'
import type { Need } from '../topology/declarations.js'
import { delayRoute } from '../topology/delays.js'
import type { Namespace } from '../topology/names.js'
import { encode } from '../wire/encode.js'
import type { LaneOf } from './lanes.js'
import type { Outbox } from './outbox.js'
import type { Letter } from './parcel.js'

export type Publish = (
  topic: string,
  messages: readonly OutgoingMessage[],
  call: PublishCall,
) => Promise<readonly StoreOutcome[]>

export interface PublisherParts {
  readonly names: Namespace
  readonly outbox: Outbox
  readonly laneOf: LaneOf
}

/** Creates the function that publishes messages of a topic: it encodes them and gives each its address. */
export function createPublisher({ names, outbox, laneOf }: PublisherParts): Publish {
  /** Kept per topic, so that most messages share one object. */
  const needs = new Map<string, Need>()

  function needOf(topic: string): Need {
    const found = needs.get(topic) ?? { topic }
    needs.set(topic, found)
    return found
  }

  function letterOf(topic: string, message: OutgoingMessage): Letter {
    const { delayMs = 0 } = message
    const encoded = encode(message)
    if (delayMs <= 0) return { exchange: names.topic(topic), routingKey: topic, need: needOf(topic), ...encoded }
    const due = names.dueTopic(topic)
    const { path, routingKey } = delayRoute(delayMs, due, laneOf(due, delayMs))
    const { lane, digit } = path[0]
    return { exchange: names.delays(lane, digit), routingKey, need: { topic, delay: path }, ...encoded }
  }

  return (topic, messages, call) =>
    outbox.send(call, messages.length, (index) => letterOf(topic, messages[index] as OutgoingMessage))
}
