import type { Queue } from '@mq/core'
import type { RedisOptions } from '@mq/redis'
import { brokers, type RedisServer, redis as startRedis, until } from '@mq/test-brokers'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { monitor } from './support/monitor.js'
import { client, newTopic, open } from './support/open.js'

describe.skipIf(!brokers.owned('redis'))('a server that no longer reports changed keys', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(async () => {
    await server?.stop()
  })

  /** Opens a queue, and finds its connection whose reads the server remembers. */
  async function openTracked() {
    const clients: Redis[] = []
    const createClient: RedisOptions['createClient'] = (options) => {
      const made = new Redis(options)
      clients.push(made)
      return made
    }
    const queue = await open(server.url, { redis: { createClient, visibilityMs: 30_000 } })
    const isTracked = async (one: Redis): Promise<boolean> => {
      if (one.status !== 'ready') return false
      const info = (await one.call('CLIENT', 'TRACKINGINFO')) as readonly [string, readonly string[]]
      return info[1].includes('on') && !info[1].includes('broken_redirect')
    }
    const tracked = async (): Promise<Redis | undefined> => {
      for (const one of clients) if (await isTracked(one)) return one
      return undefined
    }
    return { queue, tracked }
  }

  async function handledBy(queue: Queue, topic: string): Promise<Set<unknown>> {
    const handled = new Set<unknown>()
    await queue.subscribe(topic, ({ data }) => void handled.add(data))
    return handled
  }

  /** Each message waits for a look of the process at most, which it takes every second. */
  async function goesOn(queue: Queue, topic: string, handled: Set<unknown>, from: number): Promise<void> {
    for (let number = from; number < from + 3; number++) {
      await queue.publish(topic, number)
      await until(() => handled.has(number), { what: `message ${number}`, timeoutMs: 5_000 })
    }
  }

  /** Resolves once a message that nobody looks for wakes its subscription again. */
  async function wakesAgain(queue: Queue, topic: string, handled: Set<unknown>): Promise<void> {
    const watching = await monitor(server.url)
    const looks = (): number =>
      watching.sent.filter((command) => /^"evalsha" "\w+" "7" .*:lanes"/i.test(command)).length
    for (let number = 1_000; ; number++) {
      const before = looks()
      await until(() => looks() > before, { what: 'a look' })
      const taken = looks()
      await queue.publish(topic, number)
      await until(() => handled.has(number), { what: 'the message', timeoutMs: 5_000 })
      if (looks() === taken) break
      expect(number).toBeLessThan(1_030)
    }
    watching.stop()
  }

  it('because somebody has turned that off', async () => {
    const { queue, tracked } = await openTracked()
    const topic = newTopic()
    const handled = await handledBy(queue, topic)
    await until(async () => (await tracked()) !== undefined, { what: 'the tracking' })
    const node = await tracked()
    await node?.call('CLIENT', 'TRACKING', 'OFF')
    await goesOn(queue, topic, handled, 0)
    await until(async () => (await tracked()) !== undefined, { what: 'the tracking again', timeoutMs: 20_000 })
    await wakesAgain(queue, topic, handled)
    expect(queue.health().status).toBe('up')
  }, 60_000)

  it('because somebody sends the reports elsewhere', async () => {
    const { queue, tracked } = await openTracked()
    const topic = newTopic()
    const handled = await handledBy(queue, topic)
    await until(async () => (await tracked()) !== undefined, { what: 'the tracking' })
    const node = await tracked()
    const other = await client(server.url)
    const id = String(await other.client('ID'))
    await node?.call('CLIENT', 'TRACKING', 'OFF')
    await node?.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id)
    await goesOn(queue, topic, handled, 0)
    await until(async () => String(await node?.call('CLIENT', 'GETREDIR')) !== id, {
      what: 'the tracking again',
      timeoutMs: 20_000,
    })
    await wakesAgain(queue, topic, handled)
  }, 60_000)

  it('because it has closed the connection of the reports', async () => {
    const admin = await client(server.url)
    const { queue, tracked } = await openTracked()
    const topic = newTopic()
    const handled = await handledBy(queue, topic)
    const reporting = async (): Promise<string | undefined> =>
      String(await admin.client('LIST'))
        .split('\n')
        .find((line) => / name=mq@/.test(line) && / sub=2 /.test(line))
    for (let from = 0; from < 9; from += 3) {
      await until(async () => (await reporting()) !== undefined, { what: 'the connection', timeoutMs: 20_000 })
      const [, id = ''] = /^id=(\d+)/.exec((await reporting()) ?? '') ?? []
      await admin.client('KILL', 'ID', id)
      await goesOn(queue, topic, handled, from)
    }
    await until(async () => (await tracked()) !== undefined, { what: 'the tracking again', timeoutMs: 20_000 })
    await wakesAgain(queue, topic, handled)
  }, 60_000)

  it('because it remembers fewer keys than there are, and is not kept busy by that', async () => {
    const admin = await client(server.url)
    await admin.config('SET', 'tracking-table-max-keys', '1')
    const queue = await open(server.url, { redis: { visibilityMs: 30_000 } })
    const topics = Array.from({ length: 20 }, newTopic)
    const handled = await Promise.all(topics.map((topic) => handledBy(queue, topic)))
    for (const [index, topic] of topics.entries()) await goesOn(queue, topic, handled[index] ?? new Set(), 0)
    // Reports of changes that were none are soon passed on with a pause only.
    const watching = await monitor(server.url)
    const sentIn = async (looks: number): Promise<number> => {
      const isLook = (command: string): boolean => /^"evalsha" "\w+" "140"/i.test(command)
      const [begun, sent] = [watching.sent.filter(isLook).length, watching.sent.length]
      await until(() => watching.sent.filter(isLook).length >= begun + looks, { what: 'looks', timeoutMs: 20_000 })
      return watching.sent.length - sent
    }
    await until(async () => (await sentIn(2)) < 2 * 20 * 60, { what: 'fewer commands', timeoutMs: 30_000 })
    watching.stop()
    await admin.config('SET', 'tracking-table-max-keys', '1000000')
  }, 90_000)
})
