import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { range } from '../../kit/expect.js'
import { createKeyOrder, publishKeys, someWork } from '../../kit/key-order.js'
import { workerIds } from '../../kit/ledger.js'
import { healMs } from '../../kit/load.js'
import { sleep } from '../../kit/wait.js'
import type { Worker } from '../../subject.js'
import { withoutOrder } from './keys.js'

const keys = range(8).map((number) => `key-${number}`)

/** Tests the order of keys across several consumers, and when one leaves. */
export const orderingMembers: readonly ConformanceCase[] = [
  {
    id: 'ORD-6',
    title: 'the order of keys is kept across all consumers of a group',
    promises: [3, 16],
    level: 'capability',
    unless: withoutOrder,
    timeoutMs: 90_000,
    async run(kit) {
      const [first, second, order] = [await kit.queue(), await kit.queue(), createKeyOrder()]
      const options = { concurrency: 4, ordered: true, handler: order.handler(someWork(kit.random)) }
      const members = [
        await kit.collect(first, kit.topic(), options),
        await kit.collect(second, kit.topic(), options),
        await kit.collect(second, kit.topic(), options),
      ]
      const handled = (): number => members.reduce((sum, member) => sum + member.handled.length, 0)
      await publishKeys(first, kit.topic(), { keys, count: 30 })
      await kit.until(
        () => `240 messages; ${handled()} were handled`,
        () => handled() >= 240,
        { timeoutMs: 30_000 },
      )
      await kit.quiet(handled)
      assert.equal(handled(), 240, 'handled messages')
      order.check(keys, 30)
    },
  },
  {
    id: 'ORD-7',
    title: 'the order of keys is kept when a consumer leaves during the work',
    promises: [3, 13, 16],
    level: 'capability',
    unless: withoutOrder,
    timeoutMs: 90_000,
    async run(kit) {
      const [staying, leaving, order] = [await kit.queue(), await kit.queue(), createKeyOrder()]
      const options = { concurrency: 4, ordered: true, handler: order.handler(() => sleep(2 + kit.random() * 4)) }
      const member = await kit.collect(leaving, kit.topic(), options)
      const others = await kit.collect(staying, kit.topic(), options)
      const publishing = publishKeys(staying, kit.topic(), { keys, count: 40 })
      const leave = async (): Promise<void> => {
        await kit.until('both consumers to handle messages', () => order.total >= 40, { timeoutMs: 20_000 })
        await member.subscription.stop()
      }
      await Promise.all([publishing, leave()])
      const handled = (): number => member.handled.length + others.handled.length
      await kit.until(
        () => `320 messages; ${handled()} were handled`,
        () => handled() >= 320,
        { timeoutMs: 30_000 },
      )
      await kit.quiet(handled)
      assert.equal(handled(), 320, 'handled messages')
      order.check(keys, 40)
    },
  },
  {
    id: 'ORD-8',
    title: 'a consumer that stops while handlers run gives their messages back at their places',
    promises: [4, 13, 16],
    level: 'capability',
    unless: withoutOrder,
    timeoutMs: 150_000,
    async run(kit) {
      const [first, second] = [await kit.queue(), await kit.queue()]
      // There are fewer slots than keys, so messages wait behind the held ones of their key.
      const held = keys.length / 2
      const stuck = await kit.collect(first, kit.topic(), {
        ordered: true,
        concurrency: held,
        // The handler ends when its signal aborts, as it should.
        handler: (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', reject)),
      })
      await publishKeys(first, kit.topic(), { keys, count: 6 })
      await kit.until('as many handlers as there may be', () => stuck.running >= held)
      await stuck.subscription.stop({ timeoutMs: 0 })
      assert.equal(stuck.runs.length, held, 'runs')

      const order = createKeyOrder()
      const later = await kit.collect(second, kit.topic(), {
        ordered: true,
        handler: order.handler(someWork(kit.random)),
      })
      await kit.until('all of 48 messages', () => later.handled.length >= 48, { timeoutMs: kit.redeliveryMs })
      await kit.quiet(() => later.runs.length)
      assert.equal(later.runs.length, 48, 'runs')
      order.check(keys, 6)
    },
  },
  {
    id: 'ORD-9',
    title: 'the messages of a key start in order across a lost connection',
    promises: [10, 16],
    level: 'capability',
    unless: withoutOrder,
    needs: ['cut'],
    alone: true,
    timeoutMs: 150_000,
    async run(kit) {
      const [queue, order] = [await kit.queue(), createKeyOrder()]
      const ledger = kit.ledger(kit.topic())
      await queue.declareGroup(kit.topic(), 'g')
      // Publishing one after another defines the order.
      for (const index of range(40)) {
        await ledger.publish(queue, { count: keys.length, data: () => ({ index }), key: (number) => keyOf(number) })
      }
      await ledger.collect(queue, { ordered: true, handler: order.handler(() => sleep(5 + kit.random() * 5)) })
      await kit.until('the handlers to be in the middle', () => order.total >= 80, { timeoutMs: 20_000 })
      await kit.faults.cut()
      await ledger.check({ queue, duplicates: ledger.published.size, withinMs: kit.redeliveryMs + 20_000 })
      assert.equal(ledger.published.size, 320, 'published messages')
      order.check(keys, 40)
    },
  },
  {
    id: 'ORD-11',
    title: 'a key whose message runs in a process waits for it, and goes on in order when that process is killed',
    promises: [3, 4, 16],
    level: 'capability',
    unless: withoutOrder,
    needs: ['worker'],
    timeoutMs: ({ redeliveryMs }) => 150_000 + redeliveryMs,
    async run(kit) {
      const [queue, topic, order] = [await kit.queue(), kit.topic(), createKeyOrder()]
      await queue.declareGroup(topic, 'g')
      // It has fewer slots than there are keys, so messages wait behind those that it holds, and others do not.
      const worker = await kit.worker({ topic, handler: 'hang', concurrency: keys.length / 2, ordered: true })
      for (const index of range(6)) {
        await Promise.all(keys.map((key) => queue.publish(topic, { index }, { key, id: `${key}/${index}` })))
      }
      const held = (): readonly string[] => heldBy(worker)
      await kit.until('the process to hold as many keys as it may', () => held().length === keys.length / 2)
      assert.equal(new Set(held()).size, held().length, 'the keys that the process holds')

      const live = await kit.collect(queue, topic, { ordered: true, handler: order.handler(someWork(kit.random)) })
      await kit.quiet(() => live.runs.length + worker.events.length)
      const beside = held().filter((key) => order.started(key).length > 0)
      assert.deepEqual(beside, [], 'keys that ran beside a message that another process runs')
      await worker.kill()
      await kit.until('all of 48 messages', () => live.handled.length >= 48, { timeoutMs: kit.redeliveryMs + healMs })
      await kit.quiet(() => live.runs.length)
      assert.equal(live.runs.length, 48, 'runs')
      order.check(keys, 6)
    },
  },
]

/** Returns the key of each message that a process runs, unless it has learned that it has lost the message. */
function heldBy(worker: Worker): readonly string[] {
  const lost = new Set(workerIds(worker, 'aborted'))
  return workerIds(worker, 'started').flatMap((id) => (lost.has(id) ? [] : [id.slice(0, id.indexOf('/'))]))
}

const keyOf = (number: number): string => keys[number % keys.length] as string
