import type { GroupInfo, Page, Queue, WaitingMessage } from '@mq/core'
import { brokers, until } from '@mq/test-brokers'
import { describe, expect, it } from 'vitest'
import { decodeRoster, encodeRoster } from '../src/wire/roster.js'
import { newTopic, open } from './support/open.js'

async function allOf<Item>(page: (after: string | undefined) => Promise<Page<Item>>): Promise<readonly Item[][]> {
  const pages: Item[][] = []
  let after: string | undefined
  do {
    const { items, next } = await page(after)
    pages.push([...items])
    after = next
  } while (after !== undefined)
  return pages
}

const idsOf = (messages: readonly WaitingMessage[]): readonly string[] => messages.map(({ message: { id } }) => id)

const groupsOf = async (queue: Queue, topic: string): Promise<readonly GroupInfo[]> =>
  (await allOf((after) => queue.groups(topic, { after }))).flat()

const topicsOf = async (queue: Queue): Promise<readonly string[]> =>
  (await allOf((after) => queue.topics({ limit: 1_000, after }))).flat().map(({ topic }) => topic)

describe.skipIf(!brokers.wanted('kafka'))('looking into a group', () => {
  it('lists neither what runs nor what is finished behind it', async () => {
    const { queue } = await open()
    const { queue: elsewhere } = await open()
    const topic = newTopic()
    const running = new Set<string>()
    const finished = new Set<string>()
    let end = (): void => {}
    const gate = new Promise<void>((resolve) => {
      end = resolve
    })
    const subscription = await queue.subscribe(
      topic,
      async ({ id }) => {
        running.add(id)
        if (id === 'runs') await gate
        finished.add(id)
      },
      { concurrency: 2 },
    )
    const sent = ['runs', 'a', 'b', 'c']
    for (const id of sent) await queue.publish(topic, id, { id, key: 'k' })
    await until(() => finished.size === 3 && running.has('runs'), { what: 'three to be finished' })
    const waiting = elsewhere.waiting(topic, 'g')
    const isTold = async (): Promise<boolean> => (await elsewhere.stats(topic, 'g')).ready === 0
    await until(isTold, { what: 'the progress to be committed' })
    await elsewhere.pauseGroup(topic, 'g')
    await until(() => queue.health().consumers[0]?.status === 'paused', { what: 'the pause' })
    for (const id of ['d', 'e', 'f']) await queue.publish(topic, id, { id, key: 'k' })
    const pages = await allOf((after) => waiting.list({ limit: 2, after }))
    expect(pages.map(idsOf)).toEqual([['d', 'e'], ['f']])
    const { ready, inFlight, oldestReadyMs } = await elsewhere.stats(topic, 'g')
    expect({ ready, inFlight }).toEqual({ ready: 3, inFlight: 1 })
    expect(oldestReadyMs).toBeLessThan(60_000)
    end()
    await subscription.stop()
  })

  it('lists waiting messages of all partitions, those that have waited for longest first', async () => {
    const { queue } = await open()
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    const ids = Array.from({ length: 12 }, (_, index) => `m-${index}`)
    for (const id of ids) {
      await queue.publish(topic, id, { id, key: id })
      // Messages of the same millisecond come in any order.
      const publishedAt = Date.now()
      await until(() => Date.now() > publishedAt, { what: 'the next millisecond' })
    }
    const pages = await allOf((after) => queue.waiting(topic, 'g').list({ limit: 5, after }))
    expect(pages.map(({ length }) => length)).toEqual([5, 5, 2])
    expect(idsOf(pages.flat())).toEqual(ids)
  })

  it('lists more delayed messages than it puts in order at a time, each once', async () => {
    const { queue } = await open()
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    const count = 2_500
    const numbers = Array.from({ length: count }, (_, index) => index)
    await queue.publishAll(topic, numbers, { id: (number) => `m-${number}`, delayMs: 600_000 })
    await queue.publish(topic, 'soon', { id: 'soon', delayMs: 300_000 })
    const pages = await allOf((after) => queue.waiting(topic, 'g').list({ state: 'delayed', limit: 1_000, after }))
    expect([...idsOf(pages.flat())].sort()).toEqual([...numbers.map((number) => `m-${number}`), 'soon'].sort())
    await queue.publish(topic, 'now', { id: 'now' })
    expect(idsOf((await queue.waiting(topic, 'g').list()).items)).toEqual(['now'])
    for (const page of pages) {
      const times = page.map(({ dueAt }) => dueAt ?? 0)
      expect(times).toEqual([...times].sort((one, other) => one - other))
    }
    expect((await queue.stats(topic, 'g')).delayed).toBe(count + 1)
  })

  it('lists a group whose names are too long for Kafka, with its pause', async () => {
    const { queue } = await open()
    const topic = `${newTopic()}.${'t'.repeat(60)}`
    const group = 'g'.repeat(100)
    await queue.declareGroup(topic, group)
    await queue.pauseGroup(topic, group, { by: 'Ada' })
    const [info, ...others] = await groupsOf(queue, topic)
    expect(others).toEqual([])
    expect({ group: info?.group, consumers: info?.consumers, by: info?.paused?.by }).toEqual({
      group,
      consumers: 0,
      by: 'Ada',
    })
    expect(await topicsOf(queue)).toContain(topic)
  })

  it('lists with a prefix what begins with it, and nothing of others', async () => {
    const [{ queue }, { queue: prefixed }] = [await open(), await open({ prefix: 'shop_1' })]
    const [topic, published] = [newTopic(), newTopic()]
    await prefixed.declareGroup(topic, 'a_b')
    await prefixed.publish(published, 1)
    expect(await topicsOf(prefixed)).toEqual(expect.arrayContaining([topic, published]))
    expect(await groupsOf(prefixed, topic)).toEqual([{ topic, group: 'a_b', ephemeral: false, consumers: 0 }])
    const others = await topicsOf(queue)
    expect(others.filter((name) => name === topic || name.includes('shop'))).toEqual([])
  })

  it('lists the ephemeral subscriptions that a process still has when others have stopped', async () => {
    const [{ queue }, { queue: elsewhere }] = [await open(), await open()]
    const topic = newTopic()
    const subscribe = () => queue.subscribe(topic, () => {}, { ephemeral: true })
    const [first, second] = [await subscribe(), await subscribe()]
    const listed = async (): Promise<readonly string[]> =>
      (await groupsOf(elsewhere, topic)).filter(({ ephemeral }) => ephemeral).map(({ group }) => group)
    const areListed = async (groups: readonly string[]): Promise<boolean> =>
      JSON.stringify(await listed()) === JSON.stringify([...groups].sort())
    await until(() => areListed([first.group, second.group]), { what: 'both to be listed', timeoutMs: 20_000 })
    await first.stop()
    await until(() => areListed([second.group]), { what: 'one to be listed', timeoutMs: 20_000 })
    await second.stop()
    expect(await listed()).toEqual([])
  })
})

describe('the text that names the ephemeral subscriptions of a process', () => {
  const group = 'ephemeral.8a1c6a0e-8c8b-4c1f-9a53-0d5b1f0c1d2e'

  it('says which they are, a thousand at most, and nothing if another program has written it', () => {
    const refs = Array.from({ length: 1_001 }, (_, index) => ({ topic: `t-${index}`, group }))
    expect(decodeRoster(encodeRoster(refs))).toEqual(refs.slice(0, 1_000))
    for (const text of ['', '{', 'null', '{}', '[1]', '[[]]', '[["t"]]', '[["t",1]]', '[["t","g"]]'])
      expect(decodeRoster(text), text).toEqual([])
  })
})
