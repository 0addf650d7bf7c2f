import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { range } from '../../kit/expect.js'
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
]
