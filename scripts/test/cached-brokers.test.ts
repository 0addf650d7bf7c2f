import { describe, expect, it } from 'vitest'
import { cachedBrokers } from '../lib/cached-brokers.mjs'

const good = { tests: { failed: 0 }, suite: { broken: [] } }
const bad = { tests: { failed: 1 }, suite: { broken: [] } }
const all = { 'rabbitmq-4.3': good, 'rabbitmq-3.10': good, 'redis-8.0': good, 'kafka-4.4.0': good, 'kafka-4.1.1': good }

interface Given {
  readonly env?: Readonly<Record<string, string>>
  readonly results?: object
  readonly isRoot?: boolean
  /** The folders that the cache lacks. */
  readonly missing?: readonly string[]
}

const chosen = ({ env = {}, results = all, isRoot = true, missing = [] }: Given = {}) =>
  cachedBrokers({
    env: { MQ_TEST_CACHE: '/cache', ...env },
    exists: (path) => String(path).startsWith('/cache/') && !missing.includes(String(path).slice('/cache/'.length)),
    results,
    isRoot,
  })

describe('the brokers of npm test', () => {
  it('are the newest versions in the cache whose stored run has no failure', () => {
    expect(chosen()).toEqual({
      env: { MQ_TEST_RABBITMQ_VERSION: '4.3', MQ_TEST_REDIS_VERSION: '8.0', MQ_TEST_KAFKA_VERSION: '4.4.0' },
      text: 'Brokers: RabbitMQ 4.3, Redis 8.0, Kafka 4.4.0',
    })
    expect(chosen({ results: { ...all, 'rabbitmq-4.3': bad, 'kafka-4.4.0': bad } }).env).toMatchObject({
      MQ_TEST_RABBITMQ_VERSION: '3.10',
      MQ_TEST_KAFKA_VERSION: '4.1.1',
    })
  })

  it('are those of the machine if the variable says so, without a cache or without a result', () => {
    const none = { env: {}, text: 'Brokers: RabbitMQ of this machine, Redis of this machine, Kafka of this machine' }
    expect(chosen({ env: { MQ_TEST_NEWEST: '0' } })).toEqual(none)
    expect(chosen({ env: { MQ_TEST_CACHE: '/other' } })).toEqual(none)
    expect(chosen({ results: {} })).toEqual(none)
  })

  it('are fetched by no test: a root or its programs that are missing leave the version out', () => {
    for (const missing of ['debian-trixie', 'trixie-redis'])
      expect(chosen({ missing: [missing] }).env).not.toHaveProperty('MQ_TEST_REDIS_VERSION')
  })

  it('are only Kafka for a user who cannot enter another Debian', () => {
    expect(chosen({ isRoot: false }).env).toEqual({ MQ_TEST_KAFKA_VERSION: '4.4.0' })
  })

  it.each([
    { MQ_TEST_REDIS_URL: 'redis://127.0.0.1' },
    { MQ_TEST_REDIS_VERSION: '7.0' },
    { MQ_TEST_REDIS_IMAGE: 'redis:7' },
  ])('are left to the environment with %o', (env) => {
    const { env: found, text } = chosen({ env })
    expect(found).not.toHaveProperty('MQ_TEST_REDIS_VERSION')
    expect(text).toBe('Brokers: RabbitMQ 4.3, Redis of the environment, Kafka 4.4.0')
  })
})
