import type { Queue } from '@mq/core'
import { brokers, type RedisServer, redis as startRedis, until } from '@mq/test-brokers'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { monitor } from './support/monitor.js'
import { client, newTopic, open } from './support/open.js'

const count = 200

describe.skipIf(!brokers.owned('redis'))('two hundred subscriptions of one process', () => {
  let server: RedisServer
  let admin: Redis
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(async () => {
    await server?.stop()
  })

  /** Returns what is sent until the process has looked so often for what it missed. */
  async function commandsIn(looks: number): Promise<readonly string[]> {
    const watching = await monitor(server.url)
    // A look is the only script with so many keys.
    const isLook = (command: string): boolean => /^"evalsha" "\w+" "700"/i.test(command)
    const found = (): number => watching.sent.filter(isLook).length
    await until(() => found() >= looks, { what: 'some looks', timeoutMs: 20_000 })
    watching.stop()
    return watching.sent.filter((command) => !isLook(command))
  }

  async function subscribeAll(queue: Queue, targets: readonly { topic: string; group: string; ephemeral?: true }[]) {
    const handled = new Set<string>()
    await Promise.all(
      targets.map(({ topic, group, ephemeral }) => {
        const handler = (): void => void handled.add(`${topic} ${group}`)
        return queue.subscribe(topic, handler, ephemeral ? { ephemeral } : { group })
      }),
    )
    return handled
  }

  it.each([
    ['a topic each', () => Array.from({ length: count }, () => ({ topic: newTopic(), group: 'g' }))],
    [
      'groups of one topic',
      () => {
        const topic = newTopic()
        return Array.from({ length: count }, (_, index) => ({ topic, group: `g${index}` }))
      },
    ],
    [
      'ephemeral',
      () => Array.from({ length: count }, () => ({ topic: newTopic(), group: 'g', ephemeral: true as const })),
    ],
  ])(
    'take three sockets and a few commands while they have nothing to do: %s',
    async (_, make) => {
      admin = await client(server.url)
      const targets = make()
      const queue = await open(server.url, { redis: { visibilityMs: 30_000 } })
      const handled = await subscribeAll(queue, targets)
      // Each of them looks a second time for what it may own.
      await until(async () => (await commandsIn(4)).length < 50, { what: 'them to rest', timeoutMs: 30_000 })
      const own = String(await admin.client('LIST')).split('\n')
      expect(own.filter((line) => line.includes(' name=mq@')).length).toBe(3)
      // Ten seconds, in which each of them looks once for what dead consumers left, and tidies up once.
      const sent = await commandsIn(20)
      expect(sent.length).toBeLessThan(10 * 60)

      for (const topic of new Set(targets.map((target) => target.topic))) await queue.publish(topic, 1)
      await until(() => handled.size === count, { what: 'a message to each', timeoutMs: 10_000 })
    },
    90_000,
  )

  it('look together for messages if the server reports no changes, and say so once', async () => {
    admin = await client(server.url)
    await admin.acl('SETUSER', 'quiet', 'on', '>pw', '~mq:*', '+@all', '-subscribe')
    const queue = await open(server.url, { redis: { username: 'quiet', password: 'pw', visibilityMs: 30_000 } })
    const errors: string[] = []
    queue.on('error', ({ error }) => errors.push(error.message))
    const targets = Array.from({ length: count }, () => ({ topic: newTopic(), group: 'g' }))
    const handled = await subscribeAll(queue, targets)
    await until(() => errors.length > 0, { what: 'the error' })
    for (const { topic } of targets) await admin.xadd(`mq:{${topic}}:stream`, '*', 'data', '1')
    await until(() => handled.size === count, { what: 'a message to each', timeoutMs: 10_000 })
    await until(async () => (await commandsIn(4)).length < 100, { what: 'them to rest', timeoutMs: 30_000 })
    expect(errors).toEqual([expect.stringMatching(/reports no changes of keys.*every pollMs/)])
  }, 90_000)
})
