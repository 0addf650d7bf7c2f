import { describe, expect, it } from 'vitest'
import type { AdapterConfig } from '../src/index.js'
import { adapterRequest, knownTypes } from '../src/open/queue-address.js'
import { mqErrorOf, typeErrorOf } from './support/errors.js'

const ask = (target: unknown) => adapterRequest(target as AdapterConfig)

describe('a URL', () => {
  it.each([
    ['amqp://localhost', 'rabbitmq'],
    ['amqps://user:pass@host:5671/vhost', 'rabbitmq'],
    ['redis://localhost:6379', 'redis'],
    ['rediss://localhost', 'redis'],
    ['redis+unix://user:pass@/run/redis.sock?db=2', 'redis'],
    ['redis+unix:/run/redis.sock', 'redis'],
    ['kafka://a:9092,b:9092', 'kafka'],
    ['postgres://user:pass@localhost:5432/database', 'postgres'],
    ['postgresql://localhost', 'postgres'],
    ['memory:', 'memory'],
    ['REDIS://LOCALHOST', 'redis'],
  ] as const)('%s asks for %s, and is handed on as it is', (url, type) => {
    expect(adapterRequest(url)).toEqual({ type, packageName: knownTypes[type], options: { url } })
  })

  it.each(['', 'localhost', '//host', '/path', ' redis://a', '1redis://a'])(
    'refuses %j, which has no scheme',
    async (url) => {
      const error = await mqErrorOf(() => adapterRequest(url), 'MQ_INVALID_URL')
      expect(error.message).toContain('redis://host')
    },
  )

  it('refuses a scheme that is not known with the known ones', async () => {
    const error = await mqErrorOf(() => adapterRequest('sqs://queue.example'), 'MQ_UNSUPPORTED_TYPE')
    expect(error.message).toMatch(/^Unsupported queue type: sqs\b/)
    for (const scheme of ['amqp:', 'amqps:', 'redis:', 'rediss:', 'redis+unix:', 'kafka:', 'postgres:', 'memory:']) {
      expect(error.message).toContain(scheme)
    }
  })
})

describe('a type', () => {
  it.each(Object.entries(knownTypes))('%s asks for %s with the other options', (type, packageName) => {
    const options = { url: 'any://thing', prefetch: 5 }
    expect(ask({ type, ...options })).toEqual({ type, packageName, options })
  })

  it('may be a scoped package', () => {
    expect(ask({ type: '@acme/mq-nats', servers: [] })).toEqual({
      type: '@acme/mq-nats',
      packageName: '@acme/mq-nats',
      options: { servers: [] },
    })
  })

  it.each([
    'sqs',
    'Redis',
    '',
    'constructor',
    '__proto__',
    'mq-nats',
    '@acme',
    '@acme/',
    '@acme/../evil',
    '@../evil/x',
    '@acme/mq/deep',
    './local',
    '/etc/passwd',
    'file:///tmp/x.js',
    'node:fs',
  ])('refuses %j with the known ones', async (type) => {
    const error = await mqErrorOf(() => ask({ type }), 'MQ_UNSUPPORTED_TYPE')
    expect(error.message).toContain(`Unsupported queue type: ${type.split('://')[0]}`)
    expect(error.message).toContain('rabbitmq, redis, kafka, postgres, memory')
  })

  it.each([undefined, 5, null, {}])('refuses %j with a TypeError', async (type) => {
    await typeErrorOf(() => ask({ type }))
  })
})
