import { setTimeout as sleep } from 'node:timers/promises'
import type { RedisOptions } from '@mq/redis'
import { brokers, type RedisServer, redis as startRedis, until } from '@mq/test-brokers'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { client, newTopic, open } from './support/open.js'

/** The connections of a process at rest: for commands, for reads, and for reports of changes. */
const atRest = 3
const maxLent = 4

describe.skipIf(!brokers.owned('redis'))('busy subscriptions', () => {
  let server: RedisServer
  let admin: Redis
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(async () => {
    await server?.stop()
  })
  beforeEach(async () => {
    admin = await client(server.url)
  })

  const connections = async (): Promise<readonly string[]> =>
    String(await admin.client('LIST'))
      .split('\n')
      .filter((line) => line.includes(' name=mq@'))
  const blocked = async (): Promise<readonly string[]> =>
    (await connections()).filter((line) => / flags=\w*b/.test(line))

  /** Subscribes to so many topics, and publishes to each until it is stopped. Resolves with what was published and handled. */
  async function busy(count: number, options: { ephemeral?: true } = {}) {
    const queue = await open(server.url, { redis: { visibilityMs: 30_000 } })
    const sent: string[] = []
    const handled: string[] = []
    const topics = Array.from({ length: count }, newTopic)
    for (const topic of topics) {
      await queue.subscribe(topic, ({ data }) => void handled.push(`${topic} ${data}`), options)
    }
    let isStopped = false
    const publishing = Promise.all(
      topics.map(async (topic) => {
        for (let number = 0; !isStopped; number++) {
          await queue.publish(topic, number)
          sent.push(`${topic} ${number}`)
          await sleep(20)
        }
      }),
    )
    return {
      queue,
      handled,
      async stop(): Promise<void> {
        isStopped = true
        await publishing
        await until(() => handled.length >= sent.length, { what: 'all messages', timeoutMs: 10_000 })
        expect(handled.toSorted()).toEqual(sent.toSorted())
      },
    }
  }

  it.each([
    ['', {}],
    [', ephemeral', { ephemeral: true as const }],
  ])(
    'wait in a read of their own as long as they are busy%s',
    async (_, options) => {
      const { handled, stop } = await busy(1, options)
      await until(async () => (await blocked()).length === 1, { what: 'a blocked read', timeoutMs: 10_000 })
      const before = handled.length
      await until(() => handled.length >= before + 50, { what: 'more messages', timeoutMs: 10_000 })
      await until(async () => (await connections()).length === atRest + 1, { what: 'one more', timeoutMs: 10_000 })
      await stop()
      await until(async () => (await connections()).length === atRest, { what: 'them to rest', timeoutMs: 10_000 })
    },
    60_000,
  )

  it('share a few connections', async () => {
    const { handled, stop } = await busy(12)
    await until(async () => (await connections()).length >= atRest + maxLent, { what: 'all', timeoutMs: 10_000 })
    const before = handled.length
    while (handled.length < before + 500) {
      // The server may still list those that were given back.
      expect((await connections()).length).toBeLessThanOrEqual(atRest + 2 * maxLent)
    }
    await stop()
    await until(async () => (await connections()).length === atRest, { what: 'them to rest', timeoutMs: 10_000 })
  }, 60_000)

  it.each([
    ['', {}],
    [', ephemeral', { ephemeral: true as const }],
  ])(
    'lose nothing with such a connection, and handle nothing twice%s',
    async (_, options) => {
      const { queue, stop } = await busy(3, options)
      for (let times = 0; times < 5; times++) {
        await until(async () => (await blocked()).length > 0, { what: 'a blocked read', timeoutMs: 10_000 })
        for (const line of await blocked()) await admin.client('KILL', 'ID', /^id=(\d+)/.exec(line)?.[1] ?? '')
      }
      await stop()
      await until(() => queue.health().status === 'up', { what: 'its health' })
    },
    60_000,
  )

  it('find what was lost on the way to them, and count no attempt for it', async () => {
    const clients: Redis[] = []
    const createClient: RedisOptions['createClient'] = (options) => {
      const made = new Redis(options)
      clients.push(made)
      return made
    }
    const queue = await open(server.url, { redis: { createClient, visibilityMs: 6_000 } })
    const [publisher, topic] = [await open(server.url), newTopic()]
    const seen: [unknown, number][] = []
    await queue.subscribe(topic, ({ data, attempt }) => void seen.push([data, attempt]))
    // Long enough for the second look that a consumer takes after its start, which would find the message too.
    for (let number = 0; number < 60 || (await blocked()).length === 0; number++) {
      await Promise.all([publisher.publish(topic, number), sleep(20)])
      await until(() => seen.length > number, { what: 'the message' })
    }
    const lent = clients.at(-1)
    lent?.stream.pause()
    await publisher.publish(topic, 'lost')
    const pending = async (): Promise<unknown> => ((await admin.xpending(`mq:{${topic}}:stream`, 'g')) as unknown[])[0]
    await until(async () => (await pending()) === 1, { what: 'the message on its way' })
    lent?.stream.destroy()
    await until(() => seen.some(([data]) => data === 'lost'), { what: 'the message', timeoutMs: 10_000 })
    expect(seen.at(-1)).toEqual(['lost', 1])
  }, 60_000)

  it('get what is retried and what falls due meanwhile', async () => {
    const { queue, stop } = await busy(1)
    const topic = newTopic()
    const attempts: number[] = []
    let isStopped = false
    await queue.subscribe(
      topic,
      ({ data, attempt }) => {
        if (data === 'often') return
        attempts.push(attempt)
        if (attempt < 3) throw new Error('broken')
      },
      { retry: { attempts: 3, delayMs: 20 } },
    )
    const publishing = (async () => {
      while (!isStopped) {
        await queue.publish(topic, 'often')
        await sleep(20)
      }
    })()
    await until(async () => (await blocked()).length === 2, { what: 'two blocked reads', timeoutMs: 10_000 })
    await queue.publish(topic, 'retried')
    await queue.publish(topic, 'delayed', { delayMs: 50 })
    await until(() => attempts.length >= 6, { what: 'all attempts', timeoutMs: 10_000 })
    expect(attempts.toSorted()).toEqual([1, 1, 2, 2, 3, 3])
    isStopped = true
    await publishing
    await stop()
  }, 60_000)
})
