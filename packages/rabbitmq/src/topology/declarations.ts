import type { GroupRef } from '@mq/core/adapter'
import type { Channel } from 'amqplib'
import { declareBase, declareGroup, declareLevels, declareTopic, type TopologyOptions } from './topology.js'

/** What has to be there before a message is sent. */
export interface Need {
  readonly topic?: string
  /** The highest delay level. */
  readonly level?: number
}

/** What was declared since the connection came up. A late answer of an earlier connection goes into that one's record. */
interface Known {
  readonly topics: Set<string>
  base: boolean
  levels: number
}

const nothing = (): Known => ({ topics: new Set(), base: false, levels: 0 })

const keyOf = ({ topic, group }: GroupRef): string => `${topic} ${group}`

/** Declares what publishing needs, once per connection, and remembers which groups this adapter has to do with. */
export function createDeclarations(options: TopologyOptions) {
  const { names } = options
  const groups = new Map<string, GroupRef>()
  let known = nothing()

  async function base(channel: Channel, at: Known): Promise<void> {
    if (!at.base) await declareBase(channel, names)
    at.base = true
  }

  return {
    isReady: ({ topic, level }: Need): boolean =>
      (topic === undefined || known.topics.has(topic)) && (level === undefined || level < known.levels),
    async declare(channel: Channel, { topic, level }: Need): Promise<void> {
      const at = known
      await base(channel, at)
      if (topic !== undefined && !at.topics.has(topic)) {
        await declareTopic(channel, names, topic)
        // An exchange that was deleted has lost their bindings.
        for (const ref of groups.values()) if (ref.topic === topic) await declareGroup(channel, options, ref)
        at.topics.add(topic)
      }
      if (level !== undefined && level >= at.levels) {
        await declareLevels(channel, names, { from: at.levels, to: level })
        at.levels = Math.max(at.levels, level + 1)
      }
    },
    async declareTopic(channel: Channel, topic: string): Promise<void> {
      await declareBase(channel, names)
      await declareTopic(channel, names, topic)
    },
    /** Declares it whatever is known: somebody may have deleted it. */
    async declareGroup(channel: Channel, ref: GroupRef): Promise<void> {
      await declareBase(channel, names)
      await declareTopic(channel, names, ref.topic)
      await declareGroup(channel, options, ref)
      groups.set(keyOf(ref), ref)
    },
    forgetGroup: (ref: GroupRef): void => void groups.delete(keyOf(ref)),
    /** After a connection was lost, or something was found to be missing. */
    reset(): void {
      known = nothing()
    },
  }
}

export type Declarations = ReturnType<typeof createDeclarations>
