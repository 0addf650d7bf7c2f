import assert from 'node:assert/strict'
import { Unrecoverable } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { deadGroup, idsOf, inOneOrder, untilDead } from '../../kit/dead-group.js'
import { range } from '../../kit/expect.js'

/** Tests listing and purging dead letters. */
export const deadLetterLists: readonly ConformanceCase[] = [
  {
    id: 'DLQ-8',
    title: 'a list begins with the message that died first, not with the one published first',
    promises: [6],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const gates = new Map<string, () => void>()
      await kit.collect(queue, kit.topic(), {
        handler: async ({ id }) => {
          await new Promise<void>((resolve) => gates.set(id, resolve))
          throw new Unrecoverable('in its turn')
        },
      })
      const published = range(5).map((number) => `d-${number}`)
      for (const id of published) await queue.publish(kit.topic(), id, { id })
      await kit.until('all to run', () => gates.size >= 5)
      const order = ['d-3', 'd-0', 'd-4', 'd-2', 'd-1']
      for (const [index, id] of order.entries()) {
        gates.get(id)?.()
        const dead = await untilDead(kit, queue, { topic: kit.topic(), count: index + 1 })
        assert.deepEqual(idsOf(dead), order.slice(0, index + 1))
        const failedAt = dead[index]?.failure.failedAt ?? Number.NaN
        // No two of them may fail in the same millisecond.
        await kit.until('the next millisecond', () => Date.now() > failedAt)
      }
      assert.deepEqual(idsOf(await queue.deadLetters(kit.topic()).list({ limit: 3 })), order.slice(0, 3))
      assert.deepEqual(idsOf(await queue.deadLetters(kit.topic()).list({ limit: 1 })), order.slice(0, 1))
      assert.deepEqual(idsOf(await queue.deadLetters(kit.topic()).list()), order)
    },
  },
  {
    id: 'DLQ-9',
    title: 'a list holds at most its limit, each entry once, and changes nothing: the next list is the same',
    promises: [6],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const { entries, letters, collector } = await deadGroup(kit, queue, { topic: kit.topic(), count: 120 })
      assert.deepEqual(new Set(idsOf(entries)), new Set(range(120).map((number) => `d-${number}`)))
      assert.equal(new Set(entries.map(({ entryId }) => entryId)).size, 120, 'entries with ids of their own')
      assert.deepEqual(inOneOrder(await letters.list({ limit: 1_000 })), inOneOrder(entries))
      for (const [limit, listed] of [
        [100, await letters.list()],
        [7, await letters.list({ limit: 7 })],
      ] as const) {
        assert.equal(new Set(listed.map(({ entryId }) => entryId)).size, limit, 'entries with ids of their own')
        assert.equal(listed.length, limit, 'listed dead letters')
      }
      const elsewhere = await kit.queue()
      const same = await elsewhere.deadLetters(kit.topic()).list({ limit: 1_000 })
      assert.deepEqual(inOneOrder(same), inOneOrder(entries))
      assert.equal(collector.runs.length, 120, 'a listed message ran again')
    },
  },
  {
    id: 'DLQ-25',
    title: 'lists that run at the same time on two connections each show every entry',
    promises: [6],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const { entries, letters } = await deadGroup(kit, queue, { topic: kit.topic(), count: 40 })
      const elsewhere = (await kit.queue()).deadLetters(kit.topic())
      for (const _ of range(2)) {
        const lists = await Promise.all([letters, elsewhere, letters, elsewhere].map((one) => one.list()))
        for (const listed of lists) assert.deepEqual(idsOf(inOneOrder(listed)), idsOf(inOneOrder(entries)))
      }
    },
  },
  {
    id: 'DLQ-20',
    title: 'changing a listed entry changes neither the stored entry nor its replay',
    promises: [6],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const { entries, letters, collector, repair } = await deadGroup(kit, queue, { topic: kit.topic(), count: 1 })
      const [listed] = await letters.list()
      listed?.message.body.fill(0)
      assert.deepEqual(
        (await letters.list()).map(({ data }) => data),
        [0],
      )
      repair()
      assert.deepEqual(await letters.replay(entries.map(({ entryId }) => entryId)), { replayed: 1 })
      await kit.until('the replayed message', () => collector.handled.length === 1)
      assert.equal(collector.handled[0]?.data, 0)
    },
  },
  {
    id: 'DLQ-10',
    title: 'purge removes the named entries, or all, for good, and delivers them to no consumer',
    promises: [6],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const { entries, letters, collector, repair } = await deadGroup(kit, queue, { topic: kit.topic(), count: 6 })
      repair()
      const named = [entries[4], entries[1], entries[2]].map((entry) => entry?.entryId ?? '')
      assert.deepEqual(await letters.purge(named.slice(0, 1)), { purged: 1 })
      assert.deepEqual(await letters.purge(named.slice(1)), { purged: 2 })
      const left = entries.filter(({ entryId }) => !named.includes(entryId))
      assert.deepEqual(inOneOrder(await letters.list()), inOneOrder(left))
      assert.deepEqual(await letters.replay(named), { replayed: 0 })
      assert.deepEqual(await letters.purge(), { purged: 3 })
      assert.deepEqual(await letters.list(), [])
      assert.deepEqual(await letters.purge(), { purged: 0 })
      assert.deepEqual(await letters.replay(), { replayed: 0 })
      await kit.quiet(() => collector.runs.length)
      assert.equal(collector.runs.length, 6, 'a purged message ran again')
    },
  },
  {
    id: 'DLQ-11',
    title: 'an empty list of ids, unknown ids, ids of another group and repeated ids affect no other entry',
    promises: [6],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const { entries, letters, collector, repair } = await deadGroup(kit, queue, { topic: kit.topic(), count: 3 })
      repair()
      const other = await deadGroup(kit, queue, { topic: kit.topic('other'), count: 1 })
      const foreign = other.entries[0]?.entryId ?? ''
      const adapter = await kit.connected()
      const raw = adapter.deadLetters({ topic: kit.topic(), group: 'g' })
      for (const ids of [[], ['no-such-entry'], ['0-0', '', '7', 'd-0', '✓'], [foreign]]) {
        assert.equal(await raw.replay(ids), 0, `replaying ${JSON.stringify(ids)}`)
        assert.equal(await raw.purge(ids), 0, `purging ${JSON.stringify(ids)}`)
      }
      assert.deepEqual(inOneOrder(await letters.list()), inOneOrder(entries))
      assert.equal((await other.letters.list()).length, 1)
      const [first, second, third] = entries
      assert.ok(first !== undefined && second !== undefined && third !== undefined)
      assert.deepEqual(await letters.purge([first.entryId, 'no-such-entry', first.entryId]), { purged: 1 })
      assert.deepEqual(await letters.replay([second.entryId, 'no-such-entry', second.entryId]), { replayed: 1 })
      await kit.until('the replay to be handled', () => collector.handled.length >= 1)
      await kit.quiet(() => collector.runs.length)
      assert.deepEqual(collector.ids, [second.message.id])
      assert.deepEqual(await letters.list(), [third])
    },
  },
  {
    id: 'DLQ-12',
    title: 'a group that does not exist has no dead letters',
    promises: [6],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      await queue.declareGroup(kit.topic('known'), 'g')
      for (const [topic, group] of [
        [kit.topic('known'), 'unknown'],
        [kit.topic('unknown'), 'g'],
      ] as const) {
        const letters = queue.deadLetters(topic, group)
        assert.deepEqual(await letters.list(), [])
        assert.deepEqual(await letters.replay(), { replayed: 0 })
        assert.deepEqual(await letters.purge(['no-such-entry']), { purged: 0 })
      }
    },
  },
]
