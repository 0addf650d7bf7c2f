import assert from 'node:assert/strict'
import { type Queue, Unrecoverable } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { untilDead } from '../../kit/dead-group.js'
import { range } from '../../kit/expect.js'
import { nothingNew } from '../../kit/group-state.js'
import type { Kit } from '../../kit/kit.js'
import { healMs } from '../../kit/load.js'
import { createGate, sleep } from '../../kit/wait.js'

/** Tests what is left at the broker of things that are gone. */
export const groupRemainders: readonly ConformanceCase[] = [
  {
    id: 'GRP-18',
    title: 'fifty groups of a topic each get every message, and a group that is deleted is gone while the others stay',
    promises: [2, 3],
    level: 'required',
    timeoutMs: 180_000,
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      const names = range(50).map((number) => `g${number}`)
      await Promise.all(names.map((name) => queue.declareGroup(topic, name)))
      const ids = await publishSome(queue, topic, 3)
      const collectors = await Promise.all(names.map((group) => kit.collect(queue, topic, { group })))
      const lacking = (): readonly string[] =>
        collectors.flatMap(({ handled, subscription }) => (handled.length < 3 ? [subscription.group] : []))
      await kit.until(
        () => `three messages in ${lacking().join(', ')}`,
        () => lacking().length === 0,
        { timeoutMs: healMs },
      )
      for (const collector of collectors) assert.deepEqual([...collector.ids].sort(), ids, collector.subscription.group)

      const [deleted, kept] = [names.slice(0, 25), names.slice(25)]
      await Promise.all(collectors.slice(0, 25).map(({ subscription }) => subscription.stop()))
      await Promise.all(deleted.map((name) => queue.deleteGroup(topic, name)))
      const isThere = async (name: string): Promise<boolean> => (await queue.stats(topic, name)).ready !== undefined
      const there = await Promise.all(names.map(isThere))
      assert.deepEqual(
        names.filter((_, index) => there[index]),
        kept,
      )
    },
  },
  {
    id: 'GRP-19',
    title: 'a deleted group leaves nothing behind at the broker, not even its retries and dead letters',
    promises: [2, 12],
    level: 'required',
    needs: ['leftovers'],
    alone: true,
    timeoutMs: 120_000,
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      await queue.declareGroup(topic, 'g')
      await makeAndDelete(kit, queue, 'first')
      const before = await kit.faults.leftovers()
      for (const round of range(2)) await makeAndDelete(kit, queue, `round-${round}`)
      await nothingNew(kit, before)
    },
  },
  {
    id: 'GRP-21',
    title: 'fifty groups that were made and deleted leave nothing behind at the broker',
    promises: [2, 12],
    level: 'required',
    needs: ['leftovers'],
    alone: true,
    timeoutMs: 180_000,
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      const comeAndGo = async (names: readonly string[]): Promise<void> => {
        await Promise.all(names.map((name) => queue.declareGroup(topic, name)))
        await queue.publish(topic, 'waits')
        await Promise.all(names.map((name) => queue.deleteGroup(topic, name)))
      }
      await queue.declareGroup(topic, 'g')
      // The first one may create what the topic keeps.
      await comeAndGo(['first'])
      const before = await kit.faults.leftovers()
      for (const round of range(5)) await comeAndGo(range(10).map((number) => `g-${round}-${number}`))
      await nothingNew(kit, before)
    },
  },
  {
    id: 'GRP-22',
    title:
      'a group that is deleted while its consumer stops is gone: what the last handlers end with brings nothing back',
    promises: [2, 13],
    level: 'required',
    timeoutMs: 90_000,
    async run(kit) {
      const queue = await kit.queue()
      const ends = { retried: () => new Error('again'), dead: () => new Unrecoverable('dead on purpose') }
      await Promise.all(
        Object.entries(ends).map(async ([how, error]) => {
          const [topic, gate] = [kit.topic(how), createGate()]
          const collector = await kit.collect(queue, topic, {
            retry: { delayMs: 0 },
            handler: async () => {
              await gate.opened
              throw error()
            },
          })
          await queue.publish(topic, 'old')
          await kit.until('the handler to run', () => collector.running === 1, { timeoutMs: 20_000 })
          const stopping = collector.subscription.stop({ timeoutMs: 20_000 })
          // A broker has to be told first that nothing more is wanted.
          await sleep(500)
          const deleting = queue.deleteGroup(topic, 'g')
          // A broker may wait until the consumer is gone.
          await Promise.race([deleting, sleep(2_000)])
          gate.open()
          await Promise.all([deleting, stopping])
          assert.equal((await queue.stats(topic, 'g')).ready, undefined, `a group that was made by a message: ${how}`)
          const fresh = await kit.collect(queue, topic)
          await queue.publish(topic, 'new', { id: 'new' })
          await kit.until('what came later', () => fresh.ids.includes('new'), { timeoutMs: 30_000 })
          await kit.quiet(() => fresh.runs.length)
          assert.deepEqual(fresh.ids, ['new'], how)
          assert.deepEqual(await queue.deadLetters(topic, 'g').list(), [], how)
        }),
      )
    },
  },
]

/** Lets a group have dead letters, retries and waiting messages, and deletes it. */
async function makeAndDelete(kit: Kit, queue: Queue, group: string): Promise<void> {
  const topic = kit.topic()
  const failing = await kit.collect(queue, topic, {
    group,
    retry: { delayMs: 60_000 },
    handler: ({ data }) => {
      if (data === 'dies') throw new Unrecoverable('hopeless')
      throw new Error('later')
    },
  })
  await queue.publishAll(topic, ['dies', 'is retried'])
  await untilDead(kit, queue, { topic, group, count: 1 })
  await kit.until('both messages to fail', () => failing.runs.length === 2 && failing.running === 0)
  await failing.subscription.stop()
  await queue.publish(topic, 'waits')
  await queue.deleteGroup(topic, group)
}

async function publishSome(queue: Queue, topic: string, count: number): Promise<readonly string[]> {
  const stored = await Promise.all(range(count).map((number) => queue.publish(topic, number)))
  return stored.map(({ id }) => id).sort()
}
