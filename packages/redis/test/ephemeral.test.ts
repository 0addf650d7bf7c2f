import { brokers, proxy, shared, until } from '@mq/test-brokers'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { client, gate, newTopic, open } from './support/open.js'

describe.skipIf(!brokers.wanted('redis'))('ephemeral', () => {
  let url: string
  beforeAll(async () => {
    url = (await shared('redis')).url
  })

  it('gets every message from now on without a group, and leaves nothing at the broker', async () => {
    const queue = await open(url)
    const topic = newTopic()
    await queue.publish(topic, 'before')
    const seen: unknown[][] = [[], []]
    const subscribe = (list: unknown[]) =>
      queue.subscribe(topic, ({ data }) => void list.push(data), { ephemeral: true })
    const subscriptions = await Promise.all(seen.map(subscribe))
    await queue.publishAll(topic, [1, 2, 3])
    await queue.publish(topic, 'delayed', { delayMs: 100 })
    await until(() => seen.every((list) => list.length === 4), { what: 'all of them, twice' })
    expect(seen).toEqual([
      [1, 2, 3, 'delayed'],
      [1, 2, 3, 'delayed'],
    ])
    const other = await client(url)
    expect(await other.xinfo('GROUPS', `mq:{${topic}}:stream`)).toEqual([])
    expect(await other.keys(`mq:{${topic}}:group:*`)).toEqual([])
    for (const subscription of subscriptions) await subscription.stop()
    expect(await other.exists(`mq:{${topic}}:listeners`)).toBe(0)
  })

  it('continues at its position after a cut', async () => {
    const link = await proxy(await shared('redis'))
    onTestFinished(() => link.close())
    const queue = await open(link.url)
    const publisher = await open(url)
    const topic = newTopic()
    const seen: unknown[] = []
    const losses: unknown[] = []
    queue.on('data-loss', (event) => losses.push(event))
    await queue.subscribe(topic, ({ data }) => void seen.push(data), { ephemeral: true })
    for (let round = 0; round < 3; round++) {
      await link.refuse()
      await link.cut()
      await publisher.publish(topic, round)
      await link.heal()
      await until(() => seen.length === round + 1, { what: 'the message published meanwhile', timeoutMs: 10_000 })
    }
    expect(seen).toEqual([0, 1, 2])
    expect(losses).toEqual([])
  })

  it('counts and reports messages that were trimmed before it read them', async () => {
    const queue = await open(url, { redis: { retain: 100 } })
    const topic = newTopic()
    const losses: { count?: number }[] = []
    queue.on('data-loss', (event) => losses.push(event))
    const { opened, open: release } = gate()
    const seen: number[] = []
    const handler = async ({ data }: { data: unknown }): Promise<void> => {
      await opened
      seen.push(data as number)
    }
    await queue.subscribe(topic, handler, { ephemeral: true, concurrency: 1 })
    for (let round = 0; round < 10; round++) {
      await queue.publishAll(
        topic,
        Array.from({ length: 100 }, (_, number) => 100 * round + number),
      )
    }
    release()
    await until(() => seen.at(-1) === 999, { what: 'the last one' })
    await until(() => losses.length === 1, { what: 'the report' })
    expect(losses[0]?.count).toBe(1_000 - seen.length)
    expect(seen.length).toBeLessThan(250)
  })
})
