import type { GroupRef, TargetRef } from '@mq/core/adapter'
import type { Channel } from 'amqplib'
import type { DelayPath, DelayStep, Lane } from './delays.js'
import { declareForeignGroup } from './foreign.js'
import { declareShares } from './shares.js'
import {
  checkTopic,
  declareBase,
  declareDelay,
  declareDigit,
  declareGroup,
  declareTopic,
  type TopologyOptions,
} from './topology.js'

/** The part of the topology that must exist before a message is sent. */
export interface Need {
  readonly topic?: string
  readonly delay?: DelayPath
}

/** Everything declared since the connection came up. A late answer of an earlier connection goes into that one's record. */
interface Declared {
  readonly topics: Set<string>
  readonly groups: Set<string>
  readonly delays: Set<DelayStep>
  /** The number of digits that each lane has. */
  readonly digits: Map<Lane, number>
  base: boolean
}

const nothing = (): Declared => ({
  topics: new Set(),
  groups: new Set(),
  delays: new Set(),
  digits: new Map(),
  base: false,
})

const keyOf = ({ topic, group }: GroupRef): string => `${topic} ${group}`

/** Declares what publishing needs, once per connection, and remembers the groups that this adapter has declared. */
export function createDeclarations(options: TopologyOptions) {
  const { names } = options
  const groups = new Map<string, TargetRef>()
  const ordered = new Set<string>()
  let declared = nothing()

  async function base(channel: Channel, record: Declared): Promise<void> {
    if (!record.base) await declareBase(channel, names)
    record.base = true
  }

  /**
   * Declares a topic for publishing, with the groups that this adapter knows: if the exchange was deleted, they have lost their bindings.
   * Groups that were declared on this connection need only a look at the exchange. If it is gone, the broker closes the channel, and the
   * next try declares them all.
   */
  async function topicForPublishing(channel: Channel, record: Declared, topic: string): Promise<void> {
    const known = [...groups.values()].filter((ref) => ref.topic === topic && ref.at === undefined)
    const keys = known.map(keyOf)
    const areDeclared = keys.length > 0 && keys.every((key) => record.groups.has(key))
    for (const key of keys) record.groups.delete(key)
    if (areDeclared) await checkTopic(channel, names, topic)
    else {
      await declareTopic(channel, names, topic)
      for (const ref of known) await declareGroup(channel, options, ref)
    }
    record.topics.add(topic)
  }

  async function path(channel: Channel, { delays, digits }: Declared, steps: DelayPath): Promise<void> {
    const { lane, digit: highest } = steps[0]
    for (let digit = digits.get(lane) ?? 0; digit <= highest; digit++) {
      await declareDigit(channel, names, { lane, digit })
      digits.set(lane, digit + 1)
    }
    for (const step of steps) {
      if (delays.has(step)) continue
      await declareDelay(channel, names, step)
      delays.add(step)
    }
  }

  return {
    /** The delay queues that were needed until now. */
    get delays(): Iterable<DelayStep> {
      return declared.delays
    },
    isReady: ({ topic, delay }: Need): boolean =>
      (topic === undefined || declared.topics.has(topic)) &&
      (delay === undefined || delay.every((step) => declared.delays.has(step))),
    async declare(channel: Channel, { topic, delay }: Need): Promise<void> {
      const record = declared
      await base(channel, record)
      if (topic !== undefined && !record.topics.has(topic)) await topicForPublishing(channel, record, topic)
      if (delay !== undefined) await path(channel, record, delay)
    },
    async declareTopic(channel: Channel, topic: string): Promise<void> {
      await declareBase(channel, names)
      await declareTopic(channel, names, topic)
    },
    /** Declares a group even if it was declared before, as another program may have deleted it. */
    async declareGroup(channel: Channel, ref: TargetRef): Promise<void> {
      const { at } = ref
      const record = declared
      await declareBase(channel, names)
      if (at === undefined) {
        await declareTopic(channel, names, ref.topic)
        await declareGroup(channel, options, ref)
        record.groups.add(keyOf(ref))
      } else await declareForeignGroup(channel, options, { ...ref, at })
      if (ordered.has(keyOf(ref))) await declareShares(channel, options, ref)
      groups.set(keyOf(ref), ref)
    },
    /** Makes `declareGroup` declare the shares of this group, too. */
    markOrdered: (ref: GroupRef): void => void ordered.add(keyOf(ref)),
    forgetGroup(ref: GroupRef): void {
      groups.delete(keyOf(ref))
      ordered.delete(keyOf(ref))
    },
    /** Makes everything be declared again: after a connection was lost, or if something turned out to be missing. */
    reset(): void {
      declared = nothing()
    },
  }
}

export type Declarations = ReturnType<typeof createDeclarations>
