import { brokerName, type GroupRef } from '@mq/core/adapter'
import type { NewTopic } from '../driver/topics.js'
import type { Settings } from '../options.js'
import { tiersMs } from './tiers.js'

/** The partitions of a group's dead-letter topic. */
export const deadPartition = { letters: 0, notes: 1 } as const

/**
 * The kinds of topics that a consumer reads:
 *
 * - `main`: published messages.
 * - `delay`: messages that were published with a delay, for the group to copy.
 * - `retry`: messages that wait for their time in the group's own topic.
 */
export type TopicKind = 'main' | 'delay' | 'retry'

const dayMs = 24 * 60 * 60 * 1000

/** Decides how topics are created, if they have to be. */
export function createPlans(names: Names, settings: Settings) {
  const planned = new Map<string, NewTopic>()
  const plainNames = new Map<string, string>()

  function remember(topic: string, partitions: number, config: Readonly<Record<string, string>>): string {
    if (!planned.has(topic))
      planned.set(topic, { topic, partitions, replicationFactor: settings.replicationFactor, config })
    return topic
  }

  /** The broker's default may be a compression that this process has no codec for. */
  const asSent = { 'compression.type': 'producer' }
  /** A message may have grown by its history, and an unreadable batch is kept as one message. */
  const roomy = { ...asSent, 'max.message.bytes': String(2 * Math.max(settings.maxMessageBytes, 1024 * 1024)) }
  const waiting = {
    ...roomy,
    // Delays are counted from the time at which the broker got the record.
    'message.timestamp.type': 'LogAppendTime',
    'cleanup.policy': 'delete',
    'retention.ms': String(settings.retryRetentionMs),
    'retention.bytes': '-1',
  }
  const compacted = { ...roomy, 'cleanup.policy': 'compact', 'segment.ms': String(dayMs) }

  return {
    /** Each of these plans a topic, and returns its name. Only planned topics are created. */
    plan: {
      main(topic: string): string {
        const name = names.topic(topic)
        if (!planned.has(name)) plainNames.set(name, topic)
        return remember(name, settings.partitions, { ...asSent, ...settings.topicConfig })
      },
      delay: (topic: string): string => remember(names.delay(topic), 1, waiting),
      retry: (ref: GroupRef): string => remember(names.retry(ref), tiersMs.length, waiting),
      dead: (ref: GroupRef): string => remember(names.dead(ref), Object.keys(deadPartition).length, compacted),
    },
    /** Returns what applications call a planned topic of published messages. */
    plainName: (topic: string): string | undefined => plainNames.get(topic),
    find: (topic: string): NewTopic | undefined => planned.get(topic),
  }
}

/** Parts are joined by `--`, so no part can contain what follows `---`. */
const suffixed = (name: string, kind: 'delay' | 'retry' | 'dead'): string => `${name}---${kind}`

/**
 * Makes the names at the broker. No two have the same name: see `brokerName` in @mq/core.
 *
 * See docs/decisions/0003-names-at-the-broker.md.
 */
export function createNames(prefix: string | undefined) {
  const name = (...parts: string[]): string => brokerName(prefix === undefined ? parts : [prefix, ...parts])
  const rosterPrefix = `${prefix === undefined ? '' : name()}---ephemeral---`
  const isOurs = (parts: readonly string[]): boolean => prefix === undefined || parts[0] === name()
  return {
    /** The topic of published messages. */
    topic: (topic: string): string => name(topic),
    /** The topic of messages that were published with a delay. */
    delay: (topic: string): string => suffixed(name(topic), 'delay'),
    /** The topic of messages that a group retries, or that wait for their time. */
    retry: ({ topic, group }: GroupRef): string => suffixed(name(topic, group), 'retry'),
    /** The topic of a group's dead letters and of its notes about itself. */
    dead: ({ topic, group }: GroupRef): string => suffixed(name(topic, group), 'dead'),
    /** The consumer group. */
    group: ({ topic, group }: GroupRef): string => name(topic, group),
    /** The consumer group in which a process says which ephemeral subscriptions it has. */
    roster: (uuid: string): string => `${rosterPrefix}${uuid}`,
    isRoster: (groupId: string): boolean => groupId.startsWith(rosterPrefix),
    /**
     * Returns the group whose dead letters a topic holds. Undefined for other topics, and `hashed` if the name is too long to say which
     * group it is.
     */
    refOfDead(found: string): GroupRef | 'hashed' | undefined {
      const base = /^(.+)---dead$/.exec(found)?.[1]
      if (base === undefined) return undefined
      const parts = base.split('--')
      if (!isOurs(parts)) return undefined
      if (isHashed(base)) return 'hashed'
      const [topic, group, ...rest] = parts.slice(prefix === undefined ? 0 : 1).map(plainPart)
      return topic === undefined || group === undefined || rest.length > 0 ? undefined : { topic, group }
    },
    /** Returns the topic of published messages that has this name, if the name tells so. Others may have a name like it. */
    topicOfMain(found: string): string | undefined {
      const parts = found.split('--')
      const own = parts.slice(prefix === undefined ? 0 : 1)
      const [topic] = own
      if (topic === undefined || own.length > 1 || !isOurs(parts) || isHashed(found)) return undefined
      return legalPart.test(topic) ? plainPart(topic) : undefined
    },
  }
}

/** A part of a name as `brokerName` writes it. */
const legalPart = /^[A-Za-z0-9]+(?:(?:[.-]|-_)[A-Za-z0-9]+)*$/

const plainPart = (part: string): string => part.replaceAll('-_', '_')

/** A name that is too long ends in a hash. */
const isHashed = (name: string): boolean => /---[0-9a-f]{40}$/.test(name)

export type Names = ReturnType<typeof createNames>
