import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { range, rejection } from '../../kit/expect.js'
import { createGate, sleep } from '../../kit/wait.js'
import { withoutAbilities } from '../inspection/waiting.js'
import { untilAll } from './paused.js'

/** Tests which groups a pause concerns, and for how long. */
export const pausingGroups: readonly ConformanceCase[] = [
  {
    id: 'PAU-8',
    title: 'a pause concerns one group: others of its topic, its name elsewhere and ephemeral subscriptions go on',
    promises: [3, 23],
    level: 'capability',
    unless: withoutAbilities('pausesGroups'),
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      const paused = await kit.collect(queue, topic)
      const others = [
        await kit.collect(queue, topic, { group: 'other' }),
        await kit.collect(queue, topic, { ephemeral: true }),
        await kit.collect(queue, kit.topic('other')),
      ]
      await queue.pauseGroup(topic, 'g')
      await untilAll(kit, 'paused', { topic, queues: [queue] })
      for (const one of [topic, kit.topic('other')]) await queue.publishAll(one, range(3))
      await kit.until('the others', () => others.every(({ handled }) => handled.length >= 3), { timeoutMs: 20_000 })
      assert.equal(paused.runs.length, 0, 'runs of the paused group')
      for (const { status } of queue.health().consumers.filter(({ group }) => group !== 'g'))
        assert.equal(status, 'consuming')
      const [, ephemeral] = others
      await rejection(queue.pauseGroup(topic, ephemeral?.subscription.group ?? ''), 'MQ_NOT_SUPPORTED')
    },
  },
  {
    id: 'PAU-9',
    title:
      'pausing twice keeps the first mark, resuming twice does nothing, and a group that does not exist is refused',
    promises: [23],
    level: 'capability',
    unless: withoutAbilities('pausesGroups'),
    async run(kit) {
      const [queue, elsewhere, topic] = [await kit.queue(), await kit.queue(), kit.topic()]
      await queue.declareGroup(topic, 'g')
      await queue.resumeGroup(topic, 'g')
      await queue.pauseGroup(topic, 'g', { by: 'first' })
      const { paused } = await queue.stats(topic, 'g')
      assert.equal(paused?.by, 'first')
      await elsewhere.pauseGroup(topic, 'g', { by: 'second' })
      await elsewhere.declareGroup(topic, 'g')
      for (const one of [queue, elsewhere]) assert.deepEqual((await one.stats(topic, 'g')).paused, paused)
      for (const one of [queue, elsewhere]) await one.resumeGroup(topic, 'g')
      assert.equal((await queue.stats(topic, 'g')).paused, undefined)
      for (const [missing, group] of [
        [topic, 'unknown'],
        [kit.topic('unknown'), 'g'],
      ] as const) {
        await rejection(queue.pauseGroup(missing, group), 'MQ_GROUP_MISSING')
        await queue.resumeGroup(missing, group)
        assert.equal((await queue.stats(missing, group)).ready, undefined, 'a group that was made by a pause')
      }
    },
  },
  {
    id: 'PAU-10',
    title: 'a group that is deleted while it is paused, and declared again, is not paused',
    promises: [23],
    level: 'capability',
    unless: withoutAbilities('pausesGroups'),
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      await queue.declareGroup(topic, 'g')
      await queue.pauseGroup(topic, 'g')
      await queue.deleteGroup(topic, 'g')
      await rejection(queue.pauseGroup(topic, 'g'), 'MQ_GROUP_MISSING')
      const collector = await kit.collect(queue, topic)
      assert.equal((await queue.stats(topic, 'g')).paused, undefined)
      await queue.publish(topic, 1)
      await kit.until('the message', () => collector.handled.length >= 1, { timeoutMs: 20_000 })
    },
  },
  {
    id: 'PAU-15',
    title: 'a paused group that is deleted under its consumers ends its pause: they go on with what comes later',
    promises: [2, 10, 23],
    level: 'capability',
    unless: withoutAbilities('pausesGroups'),
    timeoutMs: 90_000,
    async run(kit) {
      const [queue, elsewhere, topic] = [await kit.queue(), await kit.queue(), kit.topic()]
      const collector = await kit.collect(queue, topic)
      await elsewhere.pauseGroup(topic, 'g')
      await untilAll(kit, 'paused', { topic, queues: [queue] })
      // A broker may refuse to delete a group that has consumers in other processes.
      await queue.deleteGroup(topic, 'g')
      await untilAll(kit, 'consuming', { topic, queues: [queue] })
      await elsewhere.declareGroup(topic, 'g')
      assert.equal((await elsewhere.stats(topic, 'g')).paused, undefined)
      await elsewhere.publish(topic, 'later', { id: 'later' })
      await kit.until('the message', () => collector.handled.length >= 1, { timeoutMs: 30_000 })
      await kit.quiet(() => collector.runs.length)
      assert.deepEqual(collector.ids, ['later'])
      await elsewhere.pauseGroup(topic, 'g')
      await untilAll(kit, 'paused', { topic, queues: [queue] })
    },
  },
  {
    id: 'PAU-16',
    title:
      'what waited in a paused group does not come back after the group was deleted, whatever was being given back',
    promises: [2, 23],
    level: 'capability',
    unless: withoutAbilities('pausesGroups'),
    timeoutMs: 120_000,
    async run(kit) {
      const [queue, elsewhere] = [await kit.queue(), await kit.queue()]
      // Each group is deleted at another moment after its consumer may give back what it has fetched.
      await Promise.all(
        range(8).map(async (number) => {
          const [topic, gate] = [kit.topic(`t${number}`), createGate()]
          const collector = await kit.collect(queue, topic, {
            concurrency: 40,
            handler: ({ id }) => (id === 'first' ? gate.opened : undefined),
          })
          await elsewhere.publish(topic, 1, { id: 'first' })
          await kit.until('the handler to run', () => collector.running === 1, { timeoutMs: 20_000 })
          await elsewhere.pauseGroup(topic, 'g')
          await untilAll(kit, 'paused', { topic, queues: [queue] })
          await elsewhere.publishAll(topic, range(60))
          gate.open()
          await sleep(number * 5)
          await queue.deleteGroup(topic, 'g')
          await untilAll(kit, 'consuming', { topic, queues: [queue] })
          await elsewhere.declareGroup(topic, 'g')
          await elsewhere.publish(topic, 2, { id: 'later' })
          await kit.until('the later message', () => collector.ids.includes('later'), { timeoutMs: 30_000 })
          await kit.quiet(() => collector.runs.length)
          assert.deepEqual(
            collector.runs.map(({ id }) => id),
            ['first', 'later'],
          )
          assert.deepEqual(await elsewhere.deadLetters(topic, 'g').list(), [])
        }),
      )
    },
  },
  {
    id: 'PAU-11',
    title: 'an adapter that cannot pause groups refuses it',
    promises: [23],
    level: 'capability',
    refusal: true,
    unless: ({ pausesGroups }) => (pausesGroups ? 'it can pause groups' : undefined),
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      await queue.declareGroup(topic, 'g')
      await rejection(queue.pauseGroup(topic, 'g'), 'MQ_NOT_SUPPORTED')
      await rejection(queue.resumeGroup(topic, 'g'), 'MQ_NOT_SUPPORTED')
    },
  },
]
