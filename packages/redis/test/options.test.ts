import { inspect } from 'node:util'
import { type RedisOptions, redis } from '@mq/redis'
import { brokers, shared, until } from '@mq/test-brokers'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { client, newTopic, open } from './support/open.js'

describe('options', () => {
  it.each<[string, object, string]>([
    ['an unknown option', { visibility: 1 }, 'MQ_INVALID_OPTION'],
    [
      'an unknown option of Sentinels',
      { sentinel: { name: 'm', nodes: [{ host: 'h', port: 1 }], user: 'canary' } },
      'MQ_INVALID_OPTION',
    ],
    ['an unknown option of replicas', { waitForReplicas: { replicas: 1, timeout: 1 } }, 'MQ_INVALID_OPTION'],
    ['an unknown option of disks', { waitForAof: { local: 1, disks: 2 } }, 'MQ_INVALID_OPTION'],
    ['a number out of range', { visibilityMs: 10 }, 'MQ_INVALID_OPTION'],
    ['a fraction', { pollMs: 10.5 }, 'MQ_INVALID_OPTION'],
    ['a time for commands that a blocked read may exceed', { commandTimeoutMs: 900, pollMs: 500 }, 'MQ_INVALID_OPTION'],
    ['another scheme', { url: 'http://canary@localhost' }, 'MQ_INVALID_URL'],
    ['no URL', { url: 'canary' }, 'MQ_INVALID_URL'],
    ['a query', { url: 'redis://:canary@localhost?db=1' }, 'MQ_INVALID_URL'],
    ['a database that is no number', { url: 'redis://:canary@localhost/one' }, 'MQ_INVALID_URL'],
    ['a password that is not encoded', { url: 'redis://:canary%zz@localhost' }, 'MQ_INVALID_URL'],
    ['a prefix with braces', { prefix: 'mq{x}' }, 'MQ_INVALID_OPTION'],
    ['a database of a cluster', { url: 'redis://localhost/3', cluster: true }, 'MQ_INVALID_OPTION'],
    [
      'a cluster and Sentinels',
      { cluster: true, sentinel: { name: 'm', nodes: [{ host: 'h', port: 1 }] } },
      'MQ_INVALID_OPTION',
    ],
    ['WAIT and WAITAOF', { waitForReplicas: { replicas: 1 }, waitForAof: { local: 1 } }, 'MQ_INVALID_OPTION'],
    ['WAIT on a cluster', { cluster: true, waitForReplicas: { replicas: 1 } }, 'MQ_INVALID_OPTION'],
  ])('refuse %s', (_, options, code) => {
    let error: unknown
    try {
      redis(options as RedisOptions)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code })
    expect(inspect(error, { depth: 9 })).not.toContain('canary')
  })

  it.each<[string, object]>([
    ['url', { url: 7 }],
    ['db', { db: '1' }],
    ['tls', { tls: 'yes' }],
    ['visibilityMs', { visibilityMs: '1' }],
    ['checkEviction', { checkEviction: 1 }],
    ['createClient', { createClient: {} }],
    ['cluster', { cluster: [] }],
    ['sentinel', { sentinel: { name: 'm', nodes: 'host' } }],
  ])('refuse another type for %s with a TypeError', (name, options) => {
    expect(() => redis(options as RedisOptions)).toThrow(TypeError)
    expect(() => redis(options as RedisOptions)).toThrow(name)
  })

  it('decide the capabilities of the adapter', () => {
    const { name, capabilities } = redis({ visibilityMs: 6_000, pollMs: 50, dedupeMs: 1_000, maxMessageBytes: 1_000 })
    expect(name).toBe('redis')
    expect(capabilities).toEqual({
      durable: true,
      embedded: false,
      retainsUnrouted: true,
      startFromEarliest: true,
      orderedKeys: true,
      countsCrashes: true,
      exactAttempts: true,
      delayResolutionMs: 300,
      maxDelayMs: 31_536_000_000,
      maxHandlerMs: Number.POSITIVE_INFINITY,
      maxMessageBytes: 1_000,
      publishDedupeMs: 1_000,
      redeliveryMs: 9_100,
      listsTopics: true,
      listsGroups: true,
      listsWaiting: true,
      listsInFlight: true,
      removesWaiting: true,
      runsNow: true,
      pausesGroups: true,
    })
  })
})

describe.skipIf(!brokers.wanted('redis'))('on a server', () => {
  it('the database and the prefix decide where keys are, and keep adapters apart', async () => {
    const { url } = await shared('redis')
    const topic = newTopic()
    const there = await open(`${url.replace(/\/$/, '')}/3`, { redis: { prefix: 'shop:mq' } })
    const elsewhere = await open(url)
    await there.publish(topic, 1)
    const other = await client(url)
    await other.select(3)
    expect(await other.exists(`shop:mq:{${topic}}:stream`)).toBe(1)
    await other.select(0)
    expect(await other.exists(`shop:mq:{${topic}}:stream`)).toBe(0)
    expect((await elsewhere.stats(topic)).ready).toBeUndefined()
  })

  it('a client that the application creates is used if it was given the options', async () => {
    const { url } = await shared('redis')
    const made: Redis[] = []
    const queue = await open(url, {
      redis: {
        createClient: (options) => {
          const own = new Redis({ ...options, connectionName: 'mine' })
          made.push(own)
          return own
        },
      },
    })
    const topic = newTopic()
    let handled = 0
    await queue.subscribe(topic, () => void handled++)
    await queue.publish(topic, 1)
    await until(() => handled === 1, { what: 'the message' })
    expect(made).toHaveLength(2)
    expect(await (await client(url)).client('LIST')).toContain('name=mine')
    const repeating = redis({ url, createClient: () => new Redis(url, { lazyConnect: true }) })
    await expect(repeating.connect()).rejects.toMatchObject({ code: 'MQ_INVALID_OPTION' })
  })
})
