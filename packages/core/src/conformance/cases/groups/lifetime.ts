import assert from 'node:assert/strict'
import { type Queue, Unrecoverable } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { range } from '../../kit/expect.js'
import type { Kit } from '../../kit/kit.js'

/** Tests that a group exists from its declaration until its deletion. */
export const groupLifetimes: readonly ConformanceCase[] = [
  {
    id: 'GRP-5',
    title: 'a group keeps messages while it has no consumer, and while no process that knows it is connected',
    promises: [2],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const [consuming, publishing] = [await kit.queue(), await kit.queue()]
      const ledger = kit.ledger(kit.topic())
      const collector = await ledger.collect(consuming)
      await ledger.publish(publishing, { count: 10 })
      await ledger.check({ queue: publishing, duplicates: 0 })
      await collector.subscription.stop()
      await ledger.publish(publishing, { count: 20 })
      await consuming.disconnect()
      await ledger.publish(publishing, { count: 20 })
      await publishing.disconnect()
      assert.equal(collector.runs.length, 10, 'runs')

      const later = await kit.queue()
      await ledger.collect(later)
      await ledger.check({ queue: later, duplicates: 0 })
    },
  },
  {
    id: 'GRP-6',
    title: 'a group that is declared again keeps its messages and its position',
    promises: [2],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const [queue, other] = [await kit.queue(), await kit.queue()]
      const ledger = kit.ledger(kit.topic())
      const startFrom = kit.capabilities.startFromEarliest ? 'earliest' : 'latest'
      const declareAgain = async (): Promise<void> => {
        await queue.declareGroup(kit.topic(), 'g')
        await Promise.all([other.declareGroup(kit.topic(), 'g'), other.declareGroup(kit.topic(), 'g', { startFrom })])
      }
      await declareAgain()
      await ledger.publish(queue, { count: 20 })
      await declareAgain()
      await ledger.collect(queue, { startFrom })
      await ledger.check({ queue, duplicates: 0 })
      assert.equal(ledger.published.size, 20, 'published messages')
      await declareAgain()
      await ledger.publish(queue, { count: 5 })
      await ledger.collect(other, { startFrom })
      await ledger.check({ queue, duplicates: 0 })
    },
  },
  {
    id: 'GRP-7',
    title: 'a message published right after a group is declared or subscribed is not missed',
    promises: [2],
    level: 'required',
    timeoutMs: 90_000,
    async run(kit) {
      const [queue, publisher] = [await kit.queue(), await kit.queue()]
      await Promise.all(
        range(4).map(async (number) => {
          const ledger = kit.ledger(kit.topic(`t${number}`))
          const isSubscribed = number % 2 === 0
          if (isSubscribed) await ledger.collect(queue)
          else await queue.declareGroup(kit.topic(`t${number}`), 'g')
          await ledger.publish(publisher, { count: 10 })
          if (!isSubscribed) await ledger.collect(queue)
          assert.equal(ledger.published.size, 10, 'published messages')
          await ledger.check({ queue, duplicates: 0 })
        }),
      )
    },
  },
  {
    id: 'GRP-8',
    title: 'a deleted group is gone with its messages and dead letters, and a new one of its name begins empty',
    promises: [2, 6],
    level: 'required',
    timeoutMs: 90_000,
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      for (const group of ['g', 'other']) await leaveSomething(kit, queue, { topic, group })
      await queue.publishAll(topic, range(10))
      await queue.deleteGroup(topic, 'g')
      await assertEmpty(kit, queue, { topic, group: 'g' })

      const fresh = await kit.collect(queue, topic)
      const { id } = await queue.publish(topic, 'fresh')
      await kit.until('what came after the group was made anew', () => fresh.ids.includes(id))
      await kit.quiet(() => fresh.runs.length)
      assert.deepEqual(fresh.ids, [id])
      assert.deepEqual(await queue.deadLetters(topic, 'g').list(), [])

      const untouched = await kit.collect(queue, topic, { group: 'other' })
      await kit.until('the other group to have lost nothing', () => untouched.handled.length >= 11)
      await kit.quiet(() => untouched.runs.length)
      assert.equal(untouched.handled.length, 11, 'handled messages')
      assert.equal((await queue.deadLetters(topic, 'other').list()).length, 1)
    },
  },
  {
    id: 'GRP-9',
    title: 'deleting a group that does not exist changes nothing, whether its topic exists or not',
    promises: [2],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const ledger = kit.ledger(kit.topic())
      await queue.deleteGroup(kit.topic('nowhere'), 'g')
      await queue.declareGroup(kit.topic(), 'g')
      await ledger.publish(queue, { count: 5 })
      for (const group of ['h', 'g.h', 'h']) await queue.deleteGroup(kit.topic(), group)
      await ledger.collect(queue)
      await ledger.check({ queue, duplicates: 0 })
      await queue.declareGroup(kit.topic('deleted'), 'g')
      for (const _ of range(2)) await queue.deleteGroup(kit.topic('deleted'), 'g')
      const { routed } = await queue.publish(kit.topic('deleted'), 1)
      assert.notEqual(routed, 'yes', 'routed, for a topic whose only group was deleted')
      assert.equal(queue.health().status, 'up')
    },
  },
]

interface GroupOf {
  readonly topic: string
  readonly group: string
}

/** Gives the group a dead letter and leaves it without a consumer. */
async function leaveSomething(kit: Kit, queue: Queue, { topic, group }: GroupOf): Promise<void> {
  const collector = await kit.collect(queue, topic, {
    group,
    handler: () => {
      throw new Unrecoverable('dead on purpose')
    },
  })
  await queue.publish(topic, 'for the dead letters')
  await kit.until('a dead letter', async () => (await queue.deadLetters(topic, group).list()).length > 0)
  await collector.subscription.stop()
}

async function assertEmpty(kit: Kit, queue: Queue, { topic, group }: GroupOf): Promise<void> {
  assert.deepEqual(await queue.deadLetters(topic, group).list(), [])
  const left = async (): Promise<number> => {
    const { ready = 0, inFlight = 0, dead = 0 } = await queue.stats(topic, group)
    return ready + inFlight + dead
  }
  await kit.until('the stats to be 0', async () => (await left()) === 0)
}
