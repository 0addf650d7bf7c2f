import assert from 'node:assert/strict'
import { maxNameLength } from '../../../adapter.js'
import type { ConformanceCase } from '../../kit/case.js'
import type { Collector } from '../../kit/collector.js'
import type { Kit } from '../../kit/kit.js'

/** Tests names that a careless mapping to names of the broker would mix up with each other or with its own. */
export const hostileNames: readonly ConformanceCase[] = [
  {
    id: 'SEC-5',
    title: 'sixty similar pairs of topic and group each get exactly their own messages',
    promises: [2, 3],
    level: 'required',
    timeoutMs: 180_000,
    async run(kit) {
      const queue = await kit.queue({ operationTimeoutMs: 120_000 })
      const topic = kit.topic()
      const long = `${topic}.`.padEnd(maxNameLength - 1, 'x')
      const topics = new Set([topic, `${topic}.a`, `${long}a`, `${long}b`])
      while (topics.size < 10) topics.add(`${topic}${separator(kit)}${name(kit)}`)
      const groups = new Set(['b', 'a.b', 'g'.padEnd(maxNameLength - 1, 'x').concat('a')])
      groups.add('g'.padEnd(maxNameLength - 1, 'x').concat('b'))
      while (groups.size < 6) groups.add(name(kit))
      const pairs: { readonly topic: string; readonly group: string; readonly collector: Collector }[] = []
      for (const topic of topics) {
        const subscribing = [...groups].map(async (group) => {
          pairs.push({ topic, group, collector: await kit.collect(queue, topic, { group }) })
        })
        await Promise.all(subscribing)
      }
      for (const topic of topics) await queue.publish(topic, topic)
      await kit.until(
        () => `60 pairs to get theirs; ${pairs.filter(({ collector }) => collector.handled.length > 0).length} did`,
        () => pairs.every(({ collector }) => collector.handled.length >= 1),
        { timeoutMs: 30_000 },
      )
      await kit.quiet(() => pairs.reduce((sum, { collector }) => sum + collector.runs.length, 0))
      for (const { topic, group, collector } of pairs) {
        const data = collector.runs.map((run) => run.data)
        assert.deepEqual(data, [topic], `the group '${group}' of '${topic}'`)
      }
    },
  },
]

/** Combines a few pieces again and again, some of which adapters use themselves. */
const pieces = ['a', 'b', 'A', '1', 'q', 'retry', 'delay', 'dead', 'dlq']

const any = <T>(kit: Kit, values: readonly [T, ...T[]] | readonly T[]): T =>
  values[Math.floor(kit.random() * values.length)] as T

const separator = (kit: Kit): string => any(kit, ['.', '-', '_'])

function name(kit: Kit): string {
  let made = any(kit, pieces)
  while (kit.random() < 0.6) made += separator(kit) + any(kit, pieces)
  return made
}
