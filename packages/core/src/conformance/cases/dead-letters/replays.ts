import assert from 'node:assert/strict'
import { Unrecoverable } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { deadGroup, idsOf, inOneOrder, untilDead } from '../../kit/dead-group.js'
import { range, sorted } from '../../kit/expect.js'
import { attemptsOf, patience, runsOf } from '../../kit/timing.js'

/** Tests replays of dead letters. */
export const deadLetterReplays: readonly ConformanceCase[] = [
  {
    id: 'DLQ-13',
    title: 'a replayed entry runs only in its group, as the same message in a first attempt, and is gone once handled',
    promises: [3, 6],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const other = await kit.collect(queue, kit.topic(), { group: 'other' })
      const { entries, letters, collector, repair } = await deadGroup(kit, queue, { topic: kit.topic(), count: 3 })
      await kit.until('the other group to handle them', () => other.handled.length >= 3)
      repair()
      const [one, two, three] = entries
      assert.ok(one !== undefined && two !== undefined && three !== undefined, 'not all dead letters are listed')
      assert.deepEqual(await letters.replay([two.entryId]), { replayed: 1 })
      await kit.until('the replay to be handled', () => collector.handled.length >= 1)
      await kit.quiet(() => collector.runs.length + other.runs.length)
      assert.deepEqual(collector.ids, [two.message.id])
      const [died, again, ...more] = runsOf(collector.runs, two.message.id).map(({ message }) => message)
      assert.deepEqual(more, [])
      assert.deepEqual(again, died)
      assert.equal(other.runs.length, 3, 'runs in the other group')
      assert.deepEqual(inOneOrder(await letters.list()), inOneOrder([one, three]))
    },
  },
  {
    id: 'DLQ-14',
    title: 'replaying all fifty entries handles each once and leaves none',
    promises: [6],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const { letters, collector, repair } = await deadGroup(kit, queue, { topic: kit.topic(), count: 50 })
      repair()
      assert.deepEqual(await letters.replay(), { replayed: 50 })
      await kit.until('fifty replays to be handled', () => collector.handled.length >= 50)
      await kit.quiet(() => collector.runs.length)
      assert.deepEqual(sorted(collector.ids), sorted(range(50).map((number) => `d-${number}`)))
      assert.deepEqual(await letters.list(), [])
      assert.deepEqual(await letters.replay(), { replayed: 0 })
    },
  },
  {
    id: 'DLQ-15',
    title: 'a replayed message that fails again gets all its attempts again, then a new entry',
    promises: [5, 6],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const collector = await kit.collect(queue, kit.topic(), {
        handler: ({ data }) => {
          throw new Error(`always, ${String(data)}`)
        },
      })
      await queue.publish(kit.topic(), 1, { id: 'm' })
      const [before] = await untilDead(kit, queue, { topic: kit.topic(), count: 1, ...patience(kit, 100, 2) })
      const letters = queue.deadLetters(kit.topic())
      await letters.replay([before?.entryId ?? ''])
      await kit.until('the attempts of the replay', () => collector.runs.length >= 6, patience(kit, 100, 2))
      await untilDead(kit, queue, { topic: kit.topic(), count: 1 })
      await kit.quiet(() => collector.runs.length)
      assert.deepEqual(attemptsOf(collector.runs), [1, 2, 3, 1, 2, 3])
      const [after, ...more] = await letters.list()
      assert.deepEqual(more, [])
      assert.ok(before !== undefined && after !== undefined, 'the dead letter is not listed')
      assert.notEqual(after.entryId, before.entryId)
      assert.deepEqual({ id: after.message.id, attempts: after.failure.attempts }, { id: 'm', attempts: 3 })
      assert.ok(
        after.failure.firstFailedAt >= before.failure.failedAt,
        'the new entry keeps the first failure of the old one',
      )
    },
  },
  {
    id: 'DLQ-16',
    title: 'a message replayed without a consumer waits for one',
    promises: [2, 6],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const { letters, collector } = await deadGroup(kit, queue, { topic: kit.topic(), count: 5 })
      await collector.subscription.stop()
      assert.deepEqual(await letters.replay(), { replayed: 5 })
      assert.deepEqual(await letters.list(), [])
      await queue.disconnect()
      const later = await kit.queue()
      const next = await kit.collect(later, kit.topic())
      await kit.until('the replays to be handled', () => next.handled.length >= 5)
      await kit.quiet(() => next.runs.length)
      assert.deepEqual(sorted(next.ids), ['d-0', 'd-1', 'd-2', 'd-3', 'd-4'])
      assert.deepEqual(attemptsOf(next.runs), [1, 1, 1, 1, 1])
    },
  },
  {
    id: 'DLQ-22',
    title: "replaying and purging all entries of a group leaves another group's entries of the same messages alone",
    promises: [3, 6],
    level: 'required',
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      const hopeless = (): void => {
        throw new Unrecoverable('hopeless')
      }
      const others = ['kept', 'purged']
      for (const group of others) await kit.collect(queue, topic, { group, handler: hopeless })
      const { letters, collector, repair } = await deadGroup(kit, queue, { topic, count: 3 })
      const entriesOf = async (group: string) => inOneOrder(await untilDead(kit, queue, { topic, group, count: 3 }))
      const [kept] = await Promise.all(others.map(entriesOf))
      repair()
      assert.deepEqual(await letters.replay(), { replayed: 3 })
      assert.deepEqual(await queue.deadLetters(topic, 'purged').purge(), { purged: 3 })
      await kit.until('the replays to be handled', () => collector.handled.length >= 3)
      await kit.quiet(() => collector.runs.length)
      assert.equal(collector.handled.length, 3, 'handled replays')
      assert.deepEqual(await entriesOf('kept'), kept)
      assert.deepEqual(await queue.deadLetters(topic, 'purged').list(), [])
    },
  },
  {
    id: 'DLQ-23',
    title: 'three hundred entries are all listed, and replaying all handles each once and leaves none',
    promises: [6],
    level: 'required',
    timeoutMs: 120_000,
    async run(kit) {
      const [queue, topic, count] = [await kit.queue(), kit.topic(), 300]
      const ledger = kit.ledger(topic)
      const failing = await kit.collect(queue, topic, {
        concurrency: 50,
        handler: () => {
          throw new Unrecoverable('hopeless')
        },
      })
      await ledger.publish(queue, { count, parallel: 50 })
      const entries = await untilDead(kit, queue, { topic, count, timeoutMs: 30_000 })
      await failing.subscription.stop()
      assert.deepEqual(sorted(idsOf(entries)), sorted(ledger.published))
      const letters = queue.deadLetters(topic)
      assert.deepEqual(await letters.replay(), { replayed: count })
      await ledger.collect(queue, { concurrency: 50 })
      await kit.until(
        () => `${count} replays to be handled; ${ledger.handled().size} were`,
        () => ledger.handled().size >= count,
        { timeoutMs: 30_000 },
      )
      await ledger.check({ queue, duplicates: 0 })
      assert.deepEqual(await letters.list(), [])
    },
  },
]
