import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { range, sorted } from '../../kit/expect.js'
import { untilStats } from '../../kit/group-state.js'
import { attemptsOf } from '../../kit/timing.js'
import { createGate, sleep } from '../../kit/wait.js'
import { untilWaiting, withoutAbilities } from './waiting.js'

const idsOf = (number: number): readonly string[] => range(number).map((index) => `m-${index}`)

/** Tests what becomes of messages that are removed while consumers take others. */
export const inspectionRemovals: readonly ConformanceCase[] = [
  {
    id: 'INS-12',
    title: 'while consumers take them, each message either runs or is removed, and remove counts those that never run',
    promises: [3, 22],
    level: 'capability',
    unless: withoutAbilities('listsWaiting', 'removesWaiting'),
    timeoutMs: 60_000,
    async run(kit) {
      const [one, other, elsewhere, topic] = [await kit.queue(), await kit.queue(), await kit.queue(), kit.topic()]
      const gate = createGate()
      const handler = async (): Promise<void> => {
        await gate.opened
        await sleep(5)
      }
      const collectors = [
        await kit.collect(one, topic, { concurrency: 2, handler }),
        await kit.collect(other, topic, { concurrency: 2, handler }),
      ]
      const runs = () => collectors.flatMap((collector) => collector.runs)
      const handled = () => collectors.flatMap((collector) => collector.ids)
      const ids = idsOf(300)
      // Each consumer gets some of the keys.
      await elsewhere.publishAll(topic, ids, { id: (id) => String(id), key: (id) => String(id) })
      await kit.until('four handlers to run', () => runs().length === 4)
      const waiting = elsewhere.waiting(topic, 'g')
      const removed: string[] = []
      const isOver = (): boolean => handled().length + removed.length >= ids.length
      // Each call names two of the messages that are taken next, and the consumers begin to take them after a few calls.
      for (let calls = 0; !isOver(); calls++) {
        if (calls === 10) gate.open()
        const { items } = await waiting.list({ limit: 2 })
        for (const { entryId, message } of items) {
          const { removed: count } = await waiting.remove([entryId])
          if (count === 1) removed.push(message.id)
        }
        if (items.length === 0) await kit.until('all to end', isOver, { timeoutMs: 20_000 })
      }
      await kit.quiet(() => runs().length)
      assert.ok(removed.length >= 10, `${removed.length} messages were removed`)
      assert.deepEqual(
        sorted([...handled(), ...removed]),
        sorted(ids),
        'messages that ran, and those that were removed',
      )
      assert.deepEqual(new Set(attemptsOf(runs())), new Set([1]))
      await untilStats(kit, elsewhere, { topic })
    },
  },
  {
    id: 'INS-13',
    title: 'messages that wait for others of their key are ready, and removing them changes the order of no other',
    promises: [16, 22],
    level: 'capability',
    unless: (capabilities) =>
      capabilities.orderedKeys
        ? withoutAbilities('listsWaiting', 'removesWaiting')(capabilities)
        : 'it keeps no order of keys',
    timeoutMs: 60_000,
    async run(kit) {
      const [queue, elsewhere, topic] = [await kit.queue(), await kit.queue(), kit.topic()]
      const gate = createGate()
      const collector = await kit.collect(queue, topic, { ordered: true, concurrency: 4, handler: () => gate.opened })
      for (const number of range(5)) {
        for (const key of ['a', 'b']) await queue.publish(topic, number, { key, id: `${key}-${number}` })
      }
      await kit.until('a handler of each key', () => collector.running === 2)
      const ready = await untilWaiting(kit, elsewhere, { topic, count: 8 })
      const named = ready.filter(({ message }) => ['a-1', 'a-3', 'b-1', 'b-4'].includes(message.id))
      const waiting = elsewhere.waiting(topic, 'g')
      assert.deepEqual(await waiting.remove(named.map(({ entryId }) => entryId)), { removed: 4 })
      await untilStats(kit, elsewhere, { topic, ready: 4, inFlight: 2 })
      await kit.quiet(() => collector.runs.length)
      assert.equal(collector.runs.length, 2, 'runs while both keys are busy')
      gate.open()
      await kit.until('the others', () => collector.handled.length >= 6)
      await kit.quiet(() => collector.runs.length)
      const ofKey = (key: string) => collector.runs.map(({ id }) => id).filter((id) => id.startsWith(key))
      assert.deepEqual({ a: ofKey('a'), b: ofKey('b') }, { a: ['a-0', 'a-2', 'a-4'], b: ['b-0', 'b-2', 'b-3'] })
      await untilStats(kit, elsewhere, { topic })
    },
  },
]
