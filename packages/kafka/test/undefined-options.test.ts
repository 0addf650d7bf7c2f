import { type KafkaOptions, kafka } from '@mq/kafka'
import { describe, expect, it } from 'vitest'

// A program under exactOptionalPropertyTypes passes on what may be undefined, as in `{ url: process.env.URL }`.
const kafkaNothing: Record<keyof KafkaOptions, undefined> = {
  url: undefined,
  brokers: undefined,
  tls: undefined,
  sasl: undefined,
  clientId: undefined,
  prefix: undefined,
  partitions: undefined,
  replicationFactor: undefined,
  topicConfig: undefined,
  retryRetentionMs: undefined,
  createTopics: undefined,
  compression: undefined,
  lingerMs: undefined,
  sessionTimeoutMs: undefined,
  rebalanceTimeoutMs: undefined,
  maxStallMs: undefined,
  connectTimeoutMs: undefined,
  requestTimeoutMs: undefined,
  maxUncommitted: undefined,
  maxMessageBytes: undefined,
  createClient: undefined,
}

describe('options that are undefined', () => {
  it('count as left out by kafka()', () => {
    expect(() => kafka({ ...kafkaNothing, brokers: ['localhost'] })).not.toThrow()
  })
})
