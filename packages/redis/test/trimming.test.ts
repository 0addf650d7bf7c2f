import { brokers, shared, until } from '@mq/test-brokers'
import { beforeAll, describe, expect, it } from 'vitest'
import { client, gate, newTopic, open } from './support/open.js'

/** An approximate trim may leave the rest of a node of the stream. */
const slack = 100
const retain = 100

describe.skipIf(!brokers.wanted('redis'))('trimming', () => {
  let url: string
  beforeAll(async () => {
    url = (await shared('redis')).url
  })
  const numbers = (count: number): number[] => Array.from({ length: count }, (_, number) => number)

  it('shortens a stream to the retained messages once every group has finished', async () => {
    const queue = await open(url, { redis: { retain } })
    const topic = newTopic()
    const other = await client(url)
    let handled = 0
    for (const group of ['a', 'b']) await queue.subscribe(topic, () => void handled++, { group, concurrency: 50 })
    await queue.publishAll(topic, numbers(3_000))
    await until(() => handled === 6_000, { what: 'all to be handled', timeoutMs: 20_000 })
    await until(async () => (await other.xlen(`mq:{${topic}}:stream`)) <= retain + slack, {
      what: 'the stream to be short',
    })
    expect(await other.xlen(`mq:{${topic}}:stream`)).toBeGreaterThanOrEqual(retain)
  })

  it('never removes messages that a group has not read or a consumer has not settled', async () => {
    const queue = await open(url, { redis: { retain } })
    const topic = newTopic()
    const other = await client(url)
    const { opened, open: release } = gate()
    await queue.declareGroup(topic, 'idle')
    let fast = 0
    const slow: number[] = []
    await queue.subscribe(topic, () => void fast++, { group: 'fast', concurrency: 50 })
    await queue.subscribe(
      topic,
      async ({ data }) => {
        if (data === 0) await opened
        slow.push(data as number)
      },
      { group: 'slow', concurrency: 50 },
    )
    await queue.publishAll(topic, numbers(1_000))
    await until(() => fast === 1_000 && slow.length === 999, { what: 'all but the stuck one' })
    // Consumers tidy up at least twice within this time.
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(await other.xlen(`mq:{${topic}}:stream`)).toBe(1_000)
    let idle = 0
    await queue.subscribe(topic, () => void idle++, { group: 'idle', concurrency: 50 })
    await until(() => idle === 1_000, { what: 'the group that had not read' })
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(await other.xlen(`mq:{${topic}}:stream`)).toBe(1_000)
    release()
    await until(async () => (await other.xlen(`mq:{${topic}}:stream`)) <= retain + slack, {
      what: 'the stream to be short',
    })
    expect(slow).toHaveLength(1_000)
  })

  it('continues once an abandoned group is deleted, and is never held up by an ephemeral subscription', async () => {
    const queue = await open(url, { redis: { retain } })
    const topic = newTopic()
    const other = await client(url)
    await queue.declareGroup(topic, 'abandoned')
    await queue.subscribe(topic, () => new Promise(() => {}), { ephemeral: true })
    let handled = 0
    await queue.subscribe(topic, () => void handled++, { concurrency: 50 })
    await queue.publishAll(topic, numbers(1_000))
    await until(() => handled === 1_000, { what: 'all to be handled' })
    expect((await queue.stats(topic, 'abandoned')).ready).toBe(1_000)
    await queue.deleteGroup(topic, 'abandoned')
    await until(async () => (await other.xlen(`mq:{${topic}}:stream`)) <= retain + slack, {
      what: 'the stream to be short',
    })
    expect(await other.keys(`mq:{${topic}}:group:abandoned:*`)).toEqual([])
  })

  it('keeps only the retained messages of a topic without a group', async () => {
    const queue = await open(url, { redis: { retain } })
    const topic = newTopic()
    const other = await client(url)
    for (let round = 0; round < 10; round++) await queue.publishAll(topic, numbers(100))
    const kept = await other.xlen(`mq:{${topic}}:stream`)
    expect(kept).toBeGreaterThanOrEqual(retain)
    expect(kept).toBeLessThanOrEqual(retain + slack)
    const seen: number[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data as number), { startFrom: 'earliest' })
    await until(() => seen.length === kept, { what: 'what is retained' })
  })

  it('forgets crashed ephemeral subscriptions, and all but the last thousand deleted groups', async () => {
    const queue = await open(url)
    const topic = newTopic()
    const other = await client(url)
    const old = numbers(1_000).map((number) => `old-${number}`)
    await other.zadd(`mq:{${topic}}:listeners`, ...old.slice(0, 50).flatMap((name) => [1, name]))
    await queue.subscribe(topic, () => {}, { ephemeral: true })
    expect(await other.zcard(`mq:{${topic}}:listeners`)).toBe(1)
    await other.hset(`mq:{${topic}}:deleted`, Object.fromEntries(old.map((name) => [name, '1-1'])))
    await queue.declareGroup(topic, 'g')
    await queue.deleteGroup(topic, 'g')
    expect(await other.hkeys(`mq:{${topic}}:deleted`)).toEqual(['g'])
  })

  it('leaves nothing of retried messages behind', async () => {
    const queue = await open(url)
    const topic = newTopic()
    const other = await client(url)
    let handled = 0
    await queue.subscribe(
      topic,
      ({ attempt }) => {
        if (attempt < 3) throw new Error('not yet')
        handled += 1
      },
      { concurrency: 50 },
    )
    await queue.publishAll(topic, numbers(100))
    await until(() => handled === 100, { what: 'all to be handled' })
    await until(async () => (await other.xlen(`mq:{${topic}}:group:g:retry`)) === 0, { what: 'an empty retry stream' })
    expect(await other.exists(`mq:{${topic}}:group:g:due`, `mq:{${topic}}:group:g:due:data`)).toBe(0)
  })
})
