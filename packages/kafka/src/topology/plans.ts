import type { GroupRef } from '@mq/core/adapter'
import type { NewTopic } from '../driver/topics.js'
import type { Settings } from '../options.js'
import type { Names } from './names.js'
import { tiersMs } from './tiers.js'

/** The partitions of a group's dead-letter topic. */
export const deadPartition = { letters: 0, notes: 1 } as const

const dayMs = 24 * 60 * 60 * 1000

/** Decides how topics are created, if they have to be. */
export function createPlans(names: Names, settings: Settings) {
  const planned = new Map<string, NewTopic>()

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
      main: (topic: string): string =>
        remember(names.topic(topic), settings.partitions, { ...asSent, ...settings.topicConfig }),
      delay: (topic: string): string => remember(names.delay(topic), 1, waiting),
      retry: (ref: GroupRef): string => remember(names.retry(ref), tiersMs.length, waiting),
      dead: (ref: GroupRef): string => remember(names.dead(ref), Object.keys(deadPartition).length, compacted),
    },
    find: (topic: string): NewTopic | undefined => planned.get(topic),
  }
}
