import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { deadGroup } from '../../kit/dead-group.js'
import { range, sorted } from '../../kit/expect.js'
import { attemptsOf, withoutDelays } from '../../kit/timing.js'
import { createGate } from '../../kit/wait.js'
import { withoutAbilities } from '../inspection/waiting.js'
import { untilAll } from './paused.js'

/** Tests what becomes of the messages of a paused group. */
export const pausingMessages: readonly ConformanceCase[] = [
  {
    id: 'PAU-5',
    title:
      'retries and delays go on while a group is paused: what becomes due waits, and keeps its attempt and its failure',
    promises: [5, 7, 23],
    level: 'capability',
    unless: (capabilities) => withoutDelays(capabilities) ?? withoutAbilities('pausesGroups')(capabilities),
    timeoutMs: 60_000,
    async run(kit) {
      const [queue, elsewhere, topic] = [await kit.queue(), await kit.queue(), kit.topic()]
      const gate = createGate()
      const collector = await kit.collect(queue, topic, {
        retry: { attempts: 2, delayMs: 300 },
        handler: async ({ id, attempt }) => {
          await gate.opened
          if (id === 'fails' && attempt === 1) throw new Error('wait')
        },
      })
      await queue.publish(topic, 1, { id: 'fails' })
      await kit.until('the handler to run', () => collector.running === 1)
      await elsewhere.pauseGroup(topic, 'g')
      await untilAll(kit, 'paused', { topic, queues: [queue] })
      await elsewhere.publish(topic, 2, { id: 'delayed', delayMs: 300 })
      gate.open()
      await kit.until('the run to fail', () => collector.runs[0]?.endedAt !== undefined)
      const dueAt = Date.now() + 300 + kit.capabilities.delayResolutionMs
      await kit.until('both to be due', () => Date.now() > dueAt)
      await kit.quiet(() => collector.runs.length)
      assert.equal(collector.runs.length, 1, 'runs of a paused group')
      await elsewhere.resumeGroup(topic, 'g')
      await kit.until('both to be handled', () => collector.handled.length >= 2, { timeoutMs: 20_000 })
      await kit.quiet(() => collector.runs.length)
      assert.deepEqual(attemptsOf(collector.runs, 'fails'), [1, 2])
      assert.deepEqual(attemptsOf(collector.runs, 'delayed'), [1])
    },
  },
  {
    id: 'PAU-6',
    title: 'an ordered group keeps the order of its keys across a pause',
    promises: [16, 23],
    level: 'capability',
    unless: (capabilities) =>
      capabilities.orderedKeys ? withoutAbilities('pausesGroups')(capabilities) : 'it keeps no order of keys',
    timeoutMs: 60_000,
    async run(kit) {
      const [queue, elsewhere, topic] = [await kit.queue(), await kit.queue(), kit.topic()]
      const gate = createGate()
      const seen = new Map<string, unknown[]>()
      const collector = await kit.collect(queue, topic, {
        ordered: true,
        concurrency: 2,
        handler: async ({ key = '', data }) => {
          seen.set(key, [...(seen.get(key) ?? []), data])
          await gate.opened
        },
      })
      const keys = ['a', 'b', 'c']
      for (const number of range(8)) for (const key of keys) await queue.publish(topic, number, { key })
      await kit.until('two handlers to run', () => collector.running === 2)
      await elsewhere.pauseGroup(topic, 'g')
      await untilAll(kit, 'paused', { topic, queues: [queue] })
      gate.open()
      await kit.until('both to end', () => collector.handled.length === 2)
      await kit.quiet(() => collector.runs.length)
      assert.equal(collector.runs.length, 2, 'runs of a paused group')
      await elsewhere.resumeGroup(topic, 'g')
      await kit.until('all to be handled', () => collector.handled.length >= 24, { timeoutMs: 20_000 })
      await kit.quiet(() => collector.runs.length)
      assert.deepEqual(Object.fromEntries(seen), Object.fromEntries(keys.map((key) => [key, range(8)])))
    },
  },
  {
    id: 'PAU-7',
    title: 'dead letters of a paused group are listed, replayed and purged, and a replayed message waits',
    promises: [6, 23],
    level: 'capability',
    unless: withoutAbilities('pausesGroups'),
    timeoutMs: 60_000,
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      const { entries, letters, collector, repair } = await deadGroup(kit, queue, { topic, count: 3 })
      await queue.pauseGroup(topic, 'g')
      await untilAll(kit, 'paused', { topic, queues: [queue] })
      repair()
      assert.deepEqual(await letters.replay([entries[0]?.entryId ?? '']), { replayed: 1 })
      assert.deepEqual(await letters.purge([entries[1]?.entryId ?? '']), { purged: 1 })
      await kit.quiet(() => collector.runs.length)
      assert.equal(collector.runs.length, 3, 'runs of a paused group')
      assert.deepEqual(sorted((await letters.list()).map(({ entryId }) => entryId)), [entries[2]?.entryId])
      await queue.resumeGroup(topic, 'g')
      await kit.until('the replay to be handled', () => collector.handled.length >= 1, { timeoutMs: 20_000 })
      assert.deepEqual(collector.ids, [entries[0]?.message.id])
    },
  },
]
