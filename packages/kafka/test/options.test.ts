import { createSecureContext } from 'node:tls'
import { inspect } from 'node:util'
import { type KafkaOptions, kafka } from '@mq/kafka'
import { Kafka, type KafkaConfig } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { threadModule } from '../src/driver/group/memberships.js'
import { settingsOf } from '../src/options.js'

const url = 'kafka://localhost:9092'
const failure = (options: unknown): Error & { code?: string } => {
  try {
    kafka(options as KafkaOptions)
  } catch (error) {
    return error as Error
  }
  return expect.fail('It was taken')
}

const noThread = { createClient: (config: KafkaConfig) => new Kafka(config) }

describe('the options', () => {
  it('take several hosts, a login and TLS from a URL', () => {
    const settings = settingsOf({ url: 'kafka://us%40er:p%3Aw@a:1,b,c.d:3/?tls=true&mechanism=scram-sha-256' })
    expect(settings.brokers).toEqual(['a:1', 'b:9092', 'c.d:3'])
    expect(settings.sasl).toEqual({ mechanism: 'scram-sha-256', username: 'us@er', password: 'p:w' })
    expect(settings.tls).toEqual({})
  })

  it('take precedence over the URL', () => {
    const sasl = { mechanism: 'plain', username: 'u', password: 'p' } as const
    expect(settingsOf({ url: 'kafka://x:y@a', brokers: ['b:1'], sasl }).brokers).toEqual(['b:1'])
    expect(settingsOf({ url: 'kafka://x:y@a', sasl }).sasl).toEqual(sasl)
  })

  it.each([
    'http://localhost',
    'kafka://',
    'kafka://host:canary',
    'kafka://user:canary@host:99999',
    'kafka://user:canary%zz@host',
    'kafka://user:canary@host?sasl=x',
    'kafka://user:canary@host?mechanism=oauth',
    'kafka://user:canary@ho st',
  ])('refuse the URL %s without showing it', (given) => {
    const error = failure({ url: given })
    expect(error.code).toBe('MQ_INVALID_URL')
    expect(inspect(error)).not.toContain('canary')
  })

  it.each([
    [{}, 'MQ_INVALID_OPTION'],
    [{ url, partition: 3 }, 'MQ_INVALID_OPTION'],
    [{ url, partitions: 0 }, 'MQ_INVALID_OPTION'],
    [{ url, sessionTimeoutMs: 1.5 }, 'MQ_INVALID_OPTION'],
    [{ url, compression: 'brotli' }, 'MQ_INVALID_OPTION'],
    [{ url, prefix: 'a--b' }, 'MQ_INVALID_NAME'],
    [{ brokers: ['kafka://user:canary@host:9092'] }, 'MQ_INVALID_OPTION'],
    [{ url, sasl: { mechanism: 'oauth', username: 'u', password: 'canary' } }, 'MQ_INVALID_OPTION'],
  ])('refuse the value in %j', (given, code) => {
    const error = failure(given)
    expect(error.code).toBe(code)
    expect(inspect(error)).not.toContain('canary')
  })

  it.each([
    undefined,
    null,
    { url: 7 },
    { url, partitions: '3' },
    { url, createTopics: 'no' },
    { url, tls: 'yes' },
    { url, sasl: { username: 'u' } },
    { url, brokers: 'localhost:9092' },
    { url, createClient: 'kafkajs' },
    { url, topicConfig: { 'retention.ms': 5 } },
  ])('refuse the type in %j', (given) => {
    expect(failure(given)).toBeInstanceOf(TypeError)
  })

  it('refuse a client that is not one of kafkajs 2', () => {
    expect(failure({ url, createClient: () => ({}) })).toBeInstanceOf(TypeError)
    expect(() => kafka({ url, createClient: (config) => new Kafka(config) })).not.toThrow()
  })

  it.each([
    ['has its default, and memberships have a thread', {}, 11_000, 300_000],
    ['is given', { sessionTimeoutMs: 20_000, maxStallMs: 60_000 }, 25_000, 60_000],
    [
      'has its default, and the client is made by a function',
      { createClient: (config: KafkaConfig) => new Kafka(config) },
      35_000,
      30_000,
    ],
    [
      'has its default, and TLS is checked by a function',
      { tls: { checkServerIdentity: () => undefined } },
      35_000,
      30_000,
    ],
    ['has its default, and TLS has a native object', { tls: { secureContext: createSecureContext() } }, 35_000, 30_000],
    [
      'is given, and there can be no thread',
      { ...noThread, sessionTimeoutMs: 20_000, maxStallMs: 60_000 },
      25_000,
      20_000,
    ],
  ])('decide when messages of a dead process run again: if the session %s', (_, given, redeliveryMs, maxStallMs) => {
    const adapter = kafka({ url, ...given })
    expect(adapter.capabilities.redeliveryMs).toBe(redeliveryMs)
    expect(adapter.health()).toEqual({ status: 'down', consumers: [], maxStallMs })
  })

  it('decide some capabilities', () => {
    expect(kafka({ url, sessionTimeoutMs: 10_000, maxMessageBytes: 1_000 }).capabilities).toEqual({
      durable: true,
      embedded: false,
      retainsUnrouted: true,
      startFromEarliest: true,
      orderedKeys: true,
      countsCrashes: false,
      exactAttempts: true,
      delayResolutionMs: 500,
      maxDelayMs: 365 * 24 * 60 * 60 * 1000,
      maxHandlerMs: Number.POSITIVE_INFINITY,
      maxMessageBytes: 1_000,
      publishDedupeMs: 0,
      listsTopics: true,
      listsGroups: true,
      listsWaiting: true,
      listsInFlight: false,
      removesWaiting: true,
      runsNow: true,
      pausesGroups: true,
      redeliveryMs: 15_000,
    })
  })
})

describe('the module of the thread', () => {
  const here = new URL('../src/kafka.ts', import.meta.url).href

  it.each([
    ['lies beside the adapter', here, {}, /src\/member-thread\.ts$/],
    ['is missing in a bundle as CommonJS', undefined, {}, undefined],
    ['is missing beside a bundle', 'file:///nowhere/bundle.mjs', {}, undefined],
    ['is left alone on Bun', here, { bun: '1.3.0' }, undefined],
    ['is left alone on Deno', here, { deno: '2.5.0' }, undefined],
  ])('%s', (_, base, versions, found) => {
    const url = threadModule('member-thread', base, versions)
    if (found === undefined) expect(url).toBeUndefined()
    else expect(url?.pathname).toMatch(found)
  })
})
