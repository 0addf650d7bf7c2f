import assert from 'node:assert/strict'
import type { GroupInfo } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { range, rejection, sorted } from '../../kit/expect.js'
import { contentOf, publishCall, rawMessage } from '../../kit/raw.js'
import { attemptsOf } from '../../kit/timing.js'
import { allPages, untilWaiting, waitingOf, withoutAbilities } from './waiting.js'

/** Tests the lists of topics, of groups and of messages that are ready. */
export const inspectionLists: readonly ConformanceCase[] = [
  {
    id: 'INS-1',
    title: 'every topic that has a group is listed once, in pages that hold at most their limit',
    promises: [22],
    level: 'capability',
    unless: withoutAbilities('listsTopics'),
    async run(kit) {
      const queue = await kit.queue()
      const topics = range(5).map((number) => kit.topic(`t${number}`))
      for (const topic of topics) await queue.declareGroup(topic, 'g')
      const elsewhere = await kit.queue()
      for (const limit of [2, 1_000]) {
        const listed = await allPages(async (after) => {
          const page = await elsewhere.topics({ limit, after })
          assert.ok(page.items.length <= limit, `a page of ${limit} has ${page.items.length} topics`)
          return page
        })
        const names = listed.map(({ topic }) => topic).filter((topic) => topics.includes(topic))
        assert.deepEqual(sorted(names), sorted(topics))
      }
    },
  },
  {
    id: 'INS-2',
    title: 'the groups of a topic are listed once each, ephemeral ones as such, with the number of their consumers',
    promises: [22],
    level: 'capability',
    unless: withoutAbilities('listsGroups'),
    async run(kit) {
      const [queue, elsewhere, topic] = [await kit.queue(), await kit.queue(), kit.topic()]
      const idle = range(3).map((number) => `idle-${number}`)
      for (const group of idle) await queue.declareGroup(topic, group)
      await queue.declareGroup(kit.topic('other'), 'elsewhere')
      for (const one of [queue, elsewhere]) await kit.collect(one, topic, { group: 'busy' })
      const { subscription } = await kit.collect(queue, topic, { ephemeral: true })
      let listed: readonly GroupInfo[] = []
      const consumersOf = (group: string) => listed.find((info) => info.group === group)?.consumers
      const isCounted = async (): Promise<boolean> => {
        listed = await allPages((after) => elsewhere.groups(topic, { limit: 2, after }))
        const counts = [...idle, 'busy'].map(consumersOf)
        const isListed = listed.filter(({ ephemeral }) => ephemeral).length === 1
        return isListed && [0, 0, 0, 2].every((count, index) => (counts[index] ?? count) === count)
      }
      await kit.until(() => `the consumers to be counted; listed are ${JSON.stringify(listed)}`, isCounted)
      kit.measured('consumers', consumersOf('busy'))
      const lasting = listed.filter(({ ephemeral }) => !ephemeral).map(({ group }) => group)
      assert.deepEqual(sorted(lasting), sorted([...idle, 'busy']))
      for (const info of listed) assert.deepEqual([info.topic, info.paused], [topic, undefined])
      await subscription.stop()
      const isGone = async (): Promise<boolean> =>
        (await queue.groups(topic)).items.every(({ ephemeral }) => !ephemeral)
      await kit.until('the ephemeral group to be gone', isGone)
      assert.deepEqual(await queue.groups(kit.topic('nothing')), { items: [] })
    },
  },
  {
    id: 'INS-3',
    title: 'listing takes nothing: the list is the same again, whole and in order, and each message then runs once',
    promises: [22],
    level: 'capability',
    unless: withoutAbilities('listsWaiting'),
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      await queue.declareGroup(topic, 'g')
      const adapter = await kit.connected()
      const sent = range(6).map((number) =>
        rawMessage({
          id: `m-${number}`,
          key: 'k',
          headers: { n: String(number) },
          body: Buffer.from(`{"n":${number}}`),
        }),
      )
      for (const message of sent) await adapter.publish(topic, [message], publishCall())
      const first = await untilWaiting(kit, queue, { topic, count: 6 })
      assert.deepEqual(await waitingOf(await kit.queue(), { topic }), first)
      assert.deepEqual(
        first.map(({ message }) => contentOf(message)),
        sent.map(contentOf),
      )
      assert.deepEqual(
        first.map(({ state, data, tombstone, attempt, failure, dueAt }) => [
          state,
          data,
          tombstone,
          attempt,
          failure,
          dueAt,
        ]),
        range(6).map((n) => ['ready', { n }, false, 1, undefined, undefined]),
      )
      assert.equal(new Set(first.map(({ entryId }) => entryId)).size, 6, 'entries with ids of their own')
      first[0]?.message.body.fill(0)
      const collector = await kit.collect(queue, topic)
      await kit.until('all to be handled', () => collector.handled.length >= 6)
      await kit.quiet(() => collector.runs.length)
      assert.deepEqual(
        sorted(collector.ids),
        range(6).map((number) => `m-${number}`),
      )
      assert.deepEqual(attemptsOf(collector.runs), [1, 1, 1, 1, 1, 1])
      assert.deepEqual(collector.runs.find(({ id }) => id === 'm-0')?.data, { n: 0 })
      assert.deepEqual(await untilWaiting(kit, queue, { topic, count: 0 }), [])
    },
  },
  {
    id: 'INS-4',
    title:
      'pages hold at most their limit and show each waiting message once; a page that no list has given is refused',
    promises: [12, 22],
    level: 'capability',
    unless: withoutAbilities('listsWaiting'),
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      await queue.declareGroup(topic, 'g')
      await queue.declareGroup(topic, 'other')
      await queue.publishAll(topic, range(25), { id: (number) => `m-${number}` })
      await untilWaiting(kit, queue, { topic, count: 25 })
      for (const limit of [1, 10, 1_000]) {
        const listed = await allPages(async (after) => {
          const page = await queue.waiting(topic, 'g').list({ limit, after })
          assert.ok(page.items.length <= limit, `a page of ${limit} has ${page.items.length} messages`)
          return page
        })
        assert.deepEqual(
          sorted(listed.map(({ message }) => message.id)),
          sorted(range(25).map((number) => `m-${number}`)),
        )
      }
      for (const after of ['', 'no such page', '✓', '-1', "'; drop table"]) {
        await rejection(queue.waiting(topic, 'g').list({ after }), 'MQ_INVALID_OPTION')
      }
      assert.deepEqual(await queue.waiting(topic, 'unknown').list(), { items: [] })
      assert.deepEqual(await queue.waiting(kit.topic('unknown'), 'g').list(), { items: [] })
    },
  },
  {
    id: 'INS-5',
    title: 'lists of a group that consumers empty meanwhile disturb no run',
    promises: [3, 22],
    level: 'capability',
    unless: withoutAbilities('listsWaiting'),
    timeoutMs: 60_000,
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      const ledger = kit.ledger(topic)
      await queue.declareGroup(topic, 'g')
      await ledger.publish(queue, { count: 200, parallel: 20 })
      const elsewhere = await kit.queue()
      let isOver = false
      const listing = (async (): Promise<void> => {
        while (!isOver) {
          await waitingOf(elsewhere, { topic, limit: 20 })
          await new Promise((resolve) => setTimeout(resolve, 1))
        }
      })()
      try {
        await ledger.collect(queue, { concurrency: 5 })
        await kit.until('all to be handled', () => ledger.handled().size >= 200, { timeoutMs: 30_000 })
      } finally {
        isOver = true
        await listing
      }
      await ledger.check({ queue, duplicates: 0 })
    },
  },
]
