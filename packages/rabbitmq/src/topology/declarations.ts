import type { GroupRef, TargetRef } from '@mq/core/adapter'
import type { Channel } from 'amqplib'
import { declareForeignGroup } from './foreign.js'
import { checkTopic, declareBase, declareGroup, declareLevels, declareTopic, type TopologyOptions } from './topology.js'

/** The part of the topology that must exist before a message is sent. */
export interface Need {
  readonly topic?: string
  /** The highest delay level. */
  readonly level?: number
}

/** Everything declared since the connection came up. A late answer of an earlier connection goes into that one's record. */
interface Declared {
  readonly topics: Set<string>
  readonly groups: Set<string>
  base: boolean
  levels: number
}

const nothing = (): Declared => ({ topics: new Set(), groups: new Set(), base: false, levels: 0 })

const keyOf = ({ topic, group }: GroupRef): string => `${topic} ${group}`

/** Declares what publishing needs, once per connection, and remembers the groups that this adapter has declared. */
export function createDeclarations(options: TopologyOptions) {
  const { names } = options
  const groups = new Map<string, TargetRef>()
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

  return {
    get levels(): number {
      return declared.levels
    },
    isReady: ({ topic, level }: Need): boolean =>
      (topic === undefined || declared.topics.has(topic)) && (level === undefined || level < declared.levels),
    async declare(channel: Channel, { topic, level }: Need): Promise<void> {
      const record = declared
      await base(channel, record)
      if (topic !== undefined && !record.topics.has(topic)) await topicForPublishing(channel, record, topic)
      if (level !== undefined && level >= record.levels) {
        await declareLevels(channel, names, { from: record.levels, to: level })
        record.levels = Math.max(record.levels, level + 1)
      }
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
      groups.set(keyOf(ref), ref)
    },
    forgetGroup: (ref: GroupRef): void => void groups.delete(keyOf(ref)),
    /** Makes everything be declared again: after a connection was lost, or if something turned out to be missing. */
    reset(): void {
      declared = nothing()
    },
  }
}

export type Declarations = ReturnType<typeof createDeclarations>
