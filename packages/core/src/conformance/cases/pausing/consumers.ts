import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { range, sorted } from '../../kit/expect.js'
import { untilStats } from '../../kit/group-state.js'
import { attemptsOf } from '../../kit/timing.js'
import { createGate } from '../../kit/wait.js'
import { withoutAbilities } from '../inspection/waiting.js'
import { untilAll } from './paused.js'

/** Tests what consumers of a paused group do. */
export const pausingConsumers: readonly ConformanceCase[] = [
  {
    id: 'PAU-1',
    title:
      'a paused group starts nothing in any process: what runs ends as usual, what waits stays until it is resumed',
    promises: [8, 23],
    level: 'capability',
    unless: withoutAbilities('pausesGroups'),
    timeoutMs: 60_000,
    async run(kit) {
      const [one, other, elsewhere, topic] = [await kit.queue(), await kit.queue(), await kit.queue(), kit.topic()]
      const gate = createGate()
      const handler = () => gate.opened
      const first = await kit.collect(one, topic, { concurrency: 2, handler })
      const second = await kit.collect(other, topic, { concurrency: 2, handler })
      // Many keys, so that each consumer has some of the messages, however a broker shares them out.
      await elsewhere.publishAll(topic, range(40), { id: (number) => `m-${number}`, key: (number) => `k-${number}` })
      await kit.until('four handlers to run', () => first.running + second.running === 4)
      await elsewhere.pauseGroup(topic, 'g', { by: 'the suite' })
      await untilAll(kit, 'paused', { topic, queues: [one, other] })
      gate.open()
      await kit.until('the running handlers to end', () => first.handled.length + second.handled.length === 4)
      await elsewhere.publishAll(topic, range(3), { id: (number) => `later-${number}` })
      await kit.quiet(() => first.runs.length + second.runs.length)
      assert.equal(first.runs.length + second.runs.length, 4, 'runs of a paused group')
      await untilStats(kit, elsewhere, { topic, ready: 39 })
      await elsewhere.resumeGroup(topic, 'g')
      const handled = () => [...first.ids, ...second.ids]
      await kit.until('all to be handled', () => handled().length >= 43, { timeoutMs: 20_000 })
      await untilAll(kit, 'consuming', { topic, queues: [one, other] })
      await kit.quiet(() => first.runs.length + second.runs.length)
      const ids = [...range(40).map((number) => `m-${number}`), ...range(3).map((number) => `later-${number}`)]
      assert.deepEqual(sorted(handled()), sorted(ids))
      assert.deepEqual(new Set(attemptsOf([...first.runs, ...second.runs])), new Set([1]))
    },
  },
  {
    id: 'PAU-2',
    title: 'a pause outlives every process: a consumer that starts later is paused, and says since when and by whom',
    promises: [10, 23],
    level: 'capability',
    unless: withoutAbilities('pausesGroups'),
    timeoutMs: 60_000,
    async run(kit) {
      const [before, topic, by] = [await kit.queue(), kit.topic(), 'Ada, the provider is down']
      await kit.collect(before, topic)
      const from = before.clock.now()
      await before.pauseGroup(topic, 'g', { by })
      const until = before.clock.now()
      await before.disconnect()
      const queue = await kit.queue()
      const collector = await kit.collect(queue, topic)
      await queue.publishAll(topic, range(3))
      await untilAll(kit, 'paused', { topic, queues: [queue] })
      await kit.quiet(() => collector.runs.length)
      assert.equal(collector.runs.length, 0, 'runs of a paused group')
      assert.equal(queue.health().status, 'up', 'a pause is no trouble')
      const marks = [queue.health().consumers[0]?.paused, (await queue.stats(topic, 'g')).paused]
      if (kit.capabilities.listsGroups) marks.push((await queue.groups(topic)).items[0]?.paused)
      for (const mark of marks) {
        assert.equal(mark?.by, by)
        assert.ok(mark.since >= from && mark.since <= until, `paused since ${mark.since}, not from ${from} to ${until}`)
      }
      await queue.resumeGroup(topic, 'g')
      await kit.until('all to be handled', () => collector.handled.length >= 3, { timeoutMs: 20_000 })
      await untilAll(kit, 'consuming', { topic, queues: [queue] })
      assert.equal((await queue.stats(topic, 'g')).paused, undefined)
    },
  },
  {
    id: 'PAU-3',
    title:
      'what a consumer of a paused group holds and has not started goes to others when it is resumed, as a first attempt',
    promises: [13, 23],
    level: 'capability',
    unless: withoutAbilities('pausesGroups'),
    timeoutMs: 60_000,
    async run(kit) {
      const [queue, elsewhere, topic] = [await kit.queue(), await kit.queue(), kit.topic()]
      const gate = createGate()
      const holding = await kit.collect(queue, topic, { concurrency: 2, handler: () => gate.opened })
      await queue.publishAll(topic, range(30), { id: (number) => `m-${number}` })
      await kit.until('two handlers to run', () => holding.running === 2)
      await elsewhere.pauseGroup(topic, 'g')
      await untilAll(kit, 'paused', { topic, queues: [queue] })
      gate.open()
      await kit.until('both to end', () => holding.handled.length === 2)
      await kit.quiet(() => holding.runs.length)
      assert.equal(holding.runs.length, 2, 'runs of a paused group')
      const later = await kit.collect(elsewhere, topic)
      await holding.subscription.stop()
      await elsewhere.resumeGroup(topic, 'g')
      await kit.until('the others to be handled', () => later.handled.length >= 28, { timeoutMs: 20_000 })
      await kit.quiet(() => later.runs.length)
      assert.deepEqual(sorted([...holding.ids, ...later.ids]), sorted(range(30).map((number) => `m-${number}`)))
      assert.deepEqual(new Set(attemptsOf(later.runs)), new Set([1]))
    },
  },
  {
    id: 'PAU-4',
    title: 'a paused consumer stops and its queue disconnects as usual: running handlers finish, and nothing is lost',
    promises: [13, 23],
    level: 'capability',
    unless: withoutAbilities('pausesGroups'),
    timeoutMs: 60_000,
    async run(kit) {
      const [queue, other, elsewhere, topic] = [await kit.queue(), await kit.queue(), await kit.queue(), kit.topic()]
      const gate = createGate()
      const stopped = await kit.collect(queue, topic, { concurrency: 1, handler: () => gate.opened })
      await queue.publishAll(topic, range(4), { id: (number) => `m-${number}` })
      await kit.until('a handler to run', () => stopped.running === 1)
      await elsewhere.pauseGroup(topic, 'g')
      await untilAll(kit, 'paused', { topic, queues: [queue] })
      await kit.collect(other, topic)
      await untilAll(kit, 'paused', { topic, queues: [other] })
      const stopping = stopped.subscription.stop({ timeoutMs: 15_000 })
      gate.open()
      const startedAt = performance.now()
      await stopping
      await other.disconnect({ timeoutMs: 15_000 })
      const tookMs = performance.now() - startedAt
      assert.ok(tookMs < 12_000, `stopping paused consumers took ${tookMs} ms`)
      assert.equal(stopped.handled.length, 1, 'the running handler did not finish')
      const later = await kit.collect(elsewhere, topic)
      await elsewhere.resumeGroup(topic, 'g')
      await kit.until('what is left', () => later.handled.length >= 3, { timeoutMs: 20_000 })
      await kit.quiet(() => later.runs.length)
      assert.deepEqual(attemptsOf(later.runs), [1, 1, 1])
    },
  },
]
