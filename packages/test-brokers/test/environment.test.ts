import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  brokers,
  kafka,
  postgresql,
  proxy,
  rabbitmq,
  redis,
  type Server,
  type ServerKind,
  shared,
} from '../src/index.js'
import { kafkaClient, withAdmin } from './drivers/kafka.js'
import { connectPostgres } from './drivers/postgres.js'
import { connectRabbit } from './drivers/rabbitmq.js'
import { connectRedis } from './drivers/redis.js'

const starts = { rabbitmq, redis, kafka, postgres: postgresql }
const verbs = ['kill', 'restart', 'pause', 'resume'] as const

afterEach(() => {
  vi.unstubAllEnvs()
})

describe.each(['rabbitmq', 'redis', 'kafka', 'postgres'] as const)('%s from the environment', (kind: ServerKind) => {
  describe.skipIf(!brokers.wanted(kind))('', () => {
    let running: Server
    const name = `MQ_TEST_${kind.toUpperCase()}_URL`

    beforeAll(async () => {
      running = await shared(kind)
    })

    it('is used, and works with its driver', async () => {
      vi.stubEnv(name, running.url)
      expect(brokers.owned(kind)).toBe(false)
      const server = await starts[kind]()
      expect(server).toMatchObject({ source: 'environment', host: running.host, port: running.port })
      expect((await shared(kind)).port).toBe(running.port)
      const ask = {
        redis: async () => {
          const client = await connectRedis(server.url)
          await client.ping()
          client.disconnect()
        },
        rabbitmq: async () => (await connectRabbit(server.url)).close(),
        kafka: async () => await withAdmin(kafkaClient(server as never), (admin) => admin.listTopics()),
        postgres: async () => {
          const client = await connectPostgres(server.url)
          await client.query('SELECT 1')
          await client.end()
        },
      }
      await ask[kind]()
      await server.stop()
      await ask[kind]()
    })

    it('refuses process verbs and options by name', async () => {
      vi.stubEnv(name, running.url)
      const server = await starts[kind]()
      for (const verb of verbs) await expect(server[verb]()).rejects.toThrow(`${verb}() needs`)
      for (const verb of verbs) await expect(server[verb]()).rejects.toThrow(`${name} is set`)
      await expect(starts[kind]({ tls: true })).rejects.toThrow(`${kind}() cannot give 'tls'`)
      expect(brokers.owned(kind)).toBe(false)
      if (kind === 'kafka') await expect(proxy(server)).rejects.toThrow(`${name} is set`)
    })

    it('that does not answer, or is not a URL, is named in the error without its password', async () => {
      vi.stubEnv(name, `${kind}://user:hidden@127.0.0.1:1`)
      const error = await starts[kind]().then(
        () => new Error('it started'),
        (cause: Error) => cause,
      )
      expect(error.message).toMatch(new RegExp(`${name}.*127\\.0\\.0\\.1:1`))
      expect(`${error.message} ${error.stack}`).not.toContain('hidden')
      vi.stubEnv(name, 'not a url')
      await expect(starts[kind]()).rejects.toThrow(`${name} is not a URL`)
    })

    it('refuses verbs that would disturb others if it is shared', async () => {
      for (const verb of verbs) await expect(running[verb]()).rejects.toThrow(`${verb}() needs`)
      await running.stop()
      expect((await shared(kind)).port).toBe(running.port)
    })

    it('says how to guard its tests if it is left out', async () => {
      vi.stubEnv('MQ_TEST_BROKERS', 'memory')
      expect(brokers.wanted(kind)).toBe(false)
      await expect(starts[kind]()).rejects.toThrow(`describe.skipIf(!brokers.wanted('${kind}'))`)
    })
  })
})

it('an unknown name in MQ_TEST_BROKERS is an error', () => {
  vi.stubEnv('MQ_TEST_BROKERS', 'memory,kafak')
  expect(() => brokers.wanted('redis')).toThrow(
    "MQ_TEST_BROKERS has 'kafak'; known are memory, rabbitmq, redis, kafka, postgres",
  )
})
