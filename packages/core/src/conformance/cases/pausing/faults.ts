import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { range, sorted } from '../../kit/expect.js'
import { attemptsOf } from '../../kit/timing.js'
import { sleep } from '../../kit/wait.js'
import { withoutAbilities } from '../inspection/waiting.js'
import { untilAll } from './paused.js'

/** Tests pauses on brokers and links that break. */
export const pausingFaults: readonly ConformanceCase[] = [
  {
    id: 'PAU-12',
    title: 'a pause survives a restart of the broker: consumers obey it when they are back, until the group is resumed',
    promises: [10, 23],
    level: 'optional',
    needs: ['kill', 'restart'],
    alone: true,
    unless: (capabilities) =>
      capabilities.durable ? withoutAbilities('pausesGroups')(capabilities) : 'its messages do not survive either',
    timeoutMs: 120_000,
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      const collector = await kit.collect(queue, topic)
      await queue.pauseGroup(topic, 'g', { by: 'the suite' })
      await untilAll(kit, 'paused', { topic, queues: [queue] })
      await kit.faults.kill()
      await kit.faults.restart()
      await kit.until('the connection to be back', () => queue.health().state === 'connected', { timeoutMs: 60_000 })
      await untilAll(kit, 'paused', { topic, queues: [queue] })
      const elsewhere = await kit.queue()
      assert.equal((await elsewhere.stats(topic, 'g')).paused?.by, 'the suite')
      await elsewhere.publishAll(topic, range(3))
      await kit.quiet(() => collector.runs.length)
      assert.equal(collector.runs.length, 0, 'runs of a paused group')
      await elsewhere.resumeGroup(topic, 'g')
      await kit.until('all to be handled', () => collector.handled.length >= 3, { timeoutMs: 60_000 })
    },
  },
  {
    id: 'PAU-13',
    title: 'a consumer whose connection was lost when its group was paused obeys once it is connected again',
    promises: [10, 23],
    level: 'optional',
    needs: ['link'],
    unless: withoutAbilities('pausesGroups'),
    timeoutMs: 120_000,
    async run(kit) {
      const [link, elsewhere, topic] = [await kit.link(), await kit.queue(), kit.topic()]
      const queue = await kit.queue({ adapter: link.options })
      const collector = await kit.collect(queue, topic)
      await link.refuse()
      await link.cut()
      await kit.until('the connection to be lost', () => queue.health().status !== 'up', { timeoutMs: 30_000 })
      await elsewhere.pauseGroup(topic, 'g')
      await link.heal()
      await untilAll(kit, 'paused', { topic, queues: [queue] })
      await elsewhere.publishAll(topic, range(3))
      await kit.quiet(() => collector.runs.length)
      assert.equal(collector.runs.length, 0, 'runs of a paused group')
      await elsewhere.resumeGroup(topic, 'g')
      await kit.until('all to be handled', () => collector.handled.length >= 3, { timeoutMs: 30_000 })
    },
  },
  {
    id: 'PAU-14',
    title:
      'what a process ran that is killed while its group is paused waits for the end of the pause, and then runs again',
    promises: [3, 4, 23],
    level: 'capability',
    needs: ['worker'],
    unless: withoutAbilities('pausesGroups'),
    timeoutMs: ({ redeliveryMs }) => 120_000 + 3 * redeliveryMs,
    async run(kit) {
      const [queue, elsewhere, topic] = [await kit.queue(), await kit.queue(), kit.topic()]
      const ids = range(5).map((number) => `m-${number}`)
      await queue.declareGroup(topic, 'g')
      await queue.publishAll(topic, ids, { id: (id) => String(id) })
      const worker = await kit.worker({ topic, handler: 'hang', concurrency: 2 })
      const held = (): readonly (string | undefined)[] =>
        worker.events.filter(({ type }) => type === 'started').map(({ id }) => id)
      await kit.until('the process to run two messages', () => held().length === 2, { timeoutMs: 30_000 })
      await elsewhere.pauseGroup(topic, 'g', { by: 'the suite' })
      await worker.kill()
      const collector = await kit.collect(queue, topic)
      await untilAll(kit, 'paused', { topic, queues: [queue] })
      await sleep(kit.redeliveryMs)
      assert.equal(collector.runs.length, 0, 'runs of a paused group')
      await elsewhere.resumeGroup(topic, 'g')
      const isDone = (): boolean => collector.handled.length >= ids.length
      await kit.until('all to be handled', isDone, { timeoutMs: kit.redeliveryMs + 30_000 })
      await kit.quiet(() => collector.runs.length)
      assert.deepEqual(sorted(collector.ids), ids)
      const again = collector.runs.filter(({ id }) => held().includes(id))
      const expected = kit.capabilities.countsCrashes ? 2 : 1
      assert.deepEqual(attemptsOf(again), [expected, expected], 'the attempts of what the killed process ran')
    },
  },
]
