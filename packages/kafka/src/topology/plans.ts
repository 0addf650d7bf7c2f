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
  }
}

export type Names = ReturnType<typeof createNames>
