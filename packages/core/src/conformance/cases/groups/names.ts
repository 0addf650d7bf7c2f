import assert from 'node:assert/strict'
import { Unrecoverable } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'

/** Tests that names do not mix up groups. */
export const groupNames: readonly ConformanceCase[] = [
  {
    id: 'GRP-16',
    title: 'groups with one name on different topics are different groups',
    promises: [3, 6],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const [first, second] = [kit.ledger(kit.topic('first')), kit.ledger(kit.topic('second'))]
      await queue.declareGroup(kit.topic('first'), 'g')
      await queue.declareGroup(kit.topic('second'), 'g')
      await first.publish(queue, { count: 10 })
      await second.publish(queue, { count: 7 })
      await first.collect(queue)
      await first.check({ queue, duplicates: 0 })
      await queue.deleteGroup(kit.topic('first'), 'g')
      await second.collect(queue)
      await second.check({ queue, duplicates: 0 })
      assert.deepEqual({ first: first.handled().size, second: second.handled().size }, { first: 10, second: 7 })
    },
  },
  {
    id: 'GRP-17',
    title: 'groups are separate if names share a prefix, differ in case or one character, or look the same when joined',
    promises: [3, 5, 6],
    level: 'required',
    timeoutMs: 120_000,
    async run(kit) {
      const queue = await kit.queue()
      const [a, dot, dash, underscore] = [kit.topic('a'), kit.topic('a.b'), kit.topic('a-b'), kit.topic('a_b')]
      const sources = [
        [a, 'b.c'],
        [a, 'b-c'],
        [a, 'b_c'],
        [a, 'b'],
        [a, 'B'],
        [a, 'b.dlq'],
        [a, 'b.retry'],
        [dot, 'c'],
        [dash, 'c'],
        [underscore, 'c'],
      ] as const
      const collectors = await Promise.all(
        sources.map(([topic, group]) =>
          kit.collect(queue, topic, {
            group,
            // One group fails. The other groups must not find its retries and dead letters.
            handler: ({ attempt }) => {
              if (topic !== a || group !== 'b') return
              throw attempt === 1 ? new Error('once more') : new Unrecoverable('dead on purpose')
            },
          }),
        ),
      )
      const topics = [a, dot, dash, underscore]
      for (const topic of topics) await queue.publish(topic, topic)
      const runs = (): number => collectors.reduce((sum, collector) => sum + collector.runs.length, 0)
      await kit.until(
        () => `11 runs; there were ${runs()}`,
        () => runs() >= sources.length + 1,
        { timeoutMs: 20_000 },
      )
      await kit.quiet(runs)
      const found = await Promise.all(
        collectors.map(async (collector, index) => {
          const [topic, group] = sources[index] as (typeof sources)[number]
          const dead = await queue.deadLetters(topic, group).list()
          return { source: [topic, group], data: collector.runs.map(({ data }) => data), dead: dead.length }
        }),
      )
      const wanted = sources.map(([topic, group]) => {
        const fails = topic === a && group === 'b'
        return { source: [topic, group], data: fails ? [topic, topic] : [topic], dead: fails ? 1 : 0 }
      })
      assert.deepEqual(found, wanted)
    },
  },
]
