import assert from 'node:assert/strict'
import { type Capabilities, Unrecoverable } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { range } from '../../kit/expect.js'
import { createKeyOrder, type Numbered, publishKeys, someWork } from '../../kit/key-order.js'
import { publishCall, rawMessage } from '../../kit/raw.js'
import { createGate } from '../../kit/wait.js'

export const withoutOrder = ({ orderedKeys }: Capabilities): string | undefined =>
  orderedKeys ? undefined : 'it does not keep the order of keys'

const manyKeys = range(32).map((number) => `key-${number}`)

/** Tests the order that one consumer keeps, and that it holds up nothing else. */
export const orderingKeys: readonly ConformanceCase[] = [
  {
    id: 'ORD-1',
    title: 'messages of one key are handled one at a time in publish order, at concurrency 8',
    promises: [16],
    level: 'capability',
    unless: withoutOrder,
    timeoutMs: 60_000,
    async run(kit) {
      const [queue, order] = [await kit.queue(), createKeyOrder()]
      const keys = ['a', 'A', 'a.b', 'a b', 'ключ ✓', 'x'.repeat(255)]
      const options = { concurrency: 8, ordered: true, handler: order.handler(someWork(kit.random)) }
      const collector = await kit.collect(queue, kit.topic(), options)
      await publishKeys(queue, kit.topic(), { keys, count: 30 })
      await kit.until('all of 180 messages', () => collector.handled.length >= 180, { timeoutMs: 20_000 })
      await kit.quiet(() => collector.runs.length)
      assert.equal(collector.runs.length, 180, 'runs')
      order.check(keys, 30)
    },
  },
  {
    id: 'ORD-2',
    title: 'a backlog from before the first consumer is handled in the order of its keys',
    promises: [2, 16],
    level: 'capability',
    unless: withoutOrder,
    timeoutMs: 60_000,
    async run(kit) {
      const [queue, order] = [await kit.queue(), createKeyOrder()]
      const keys = manyKeys.slice(0, 5)
      await queue.declareGroup(kit.topic(), 'g')
      await publishKeys(queue, kit.topic(), { keys, count: 60 })
      const options = { concurrency: 20, ordered: true, handler: order.handler(someWork(kit.random)) }
      const collector = await kit.collect(queue, kit.topic(), options)
      await kit.until('all of 300 messages', () => collector.handled.length >= 300, { timeoutMs: 30_000 })
      order.check(keys, 60)
    },
  },
  {
    id: 'ORD-3',
    title: 'while a handler of one key is stuck, all other keys and messages without a key are handled',
    promises: [8, 16],
    level: 'capability',
    unless: withoutOrder,
    timeoutMs: 60_000,
    async run(kit) {
      const [queue, topic, order, gate] = [await kit.queue(), kit.topic(), createKeyOrder(), createGate()]
      const collector = await kit.collect(queue, topic, {
        concurrency: 4,
        ordered: true,
        handler: order.handler(async ({ key, data }) => {
          if (key === 'stuck' && (data as Numbered).index === 0) await gate.opened
        }),
      })
      await publishKeys(queue, topic, { keys: ['stuck'], count: 30 })
      await kit.until('the handler that will be stuck', () => collector.running === 1)
      await publishKeys(queue, topic, { keys: manyKeys, count: 6 })
      const keyless = await queue.publishAll(
        topic,
        range(20).map((index) => ({ index })),
      )
      const others = manyKeys.length * 6
      await kit.until(
        () => `${others} messages of other keys and ${keyless.length} without one; ${collector.handled.length} came`,
        () => collector.handled.length >= others + keyless.length,
        { timeoutMs: 20_000 },
      )
      assert.deepEqual(order.started('stuck'), [0])
      gate.open()
      await kit.until('the key that was stuck', () => collector.handled.length >= others + keyless.length + 30)
      await kit.quiet(() => collector.runs.length)
      order.check(manyKeys, 6)
      order.check(['stuck'], 30)
    },
  },
  {
    id: 'ORD-4',
    title: 'different keys run concurrently up to the limit, and so do messages without a key',
    promises: [8, 16],
    level: 'capability',
    unless: withoutOrder,
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const [withKey, without] = [kit.topic('keys'), kit.topic('keyless')]
      const gate = createGate()
      const options = { concurrency: 6, ordered: true, handler: () => gate.opened }
      const keyed = await kit.collect(queue, withKey, options)
      const keyless = await kit.collect(queue, without, options)
      await publishKeys(queue, withKey, { keys: manyKeys, count: 2 })
      await queue.publishAll(without, range(64))
      await kit.until(
        () => `6 handlers of each; ${keyed.running} with a key and ${keyless.running} without run`,
        () => keyed.running >= 6 && keyless.running >= 6,
      )
      await kit.quiet(() => keyed.runs.length + keyless.runs.length)
      assert.deepEqual({ keyed: keyed.running, keyless: keyless.running }, { keyed: 6, keyless: 6 }, 'handlers at once')
      gate.open()
      await kit.until('all messages', () => keyed.handled.length >= 64 && keyless.handled.length >= 64)
      assert.deepEqual({ keyed: keyed.peak, keyless: keyless.peak }, { keyed: 6, keyless: 6 })
    },
  },
  {
    id: 'ORD-5',
    title: 'a message that fails, dies or is unreadable releases its key, and never runs beside another message of it',
    promises: [5, 6, 16],
    level: 'capability',
    unless: withoutOrder,
    timeoutMs: 60_000,
    async run(kit) {
      const [queue, adapter, topic, order] = [await kit.queue(), await kit.connected(), kit.topic(), createKeyOrder()]
      const work = someWork(kit.random)
      const collector = await kit.collect(queue, topic, {
        concurrency: 8,
        ordered: true,
        handler: order.handler(async ({ key, data, attempt }) => {
          await work()
          if ((data as Numbered).index > 0) return
          if (key === 'dies') throw new Unrecoverable('dead on purpose')
          if (key === 'gives up' || attempt < 3) throw new Error('once more')
        }),
      })
      const broken = rawMessage({ key: 'unreadable', body: Buffer.from('{"index":') })
      await adapter.publish(topic, [broken], publishCall())
      const keys = ['recovers', 'gives up', 'dies', 'unreadable']
      await publishKeys(queue, topic, { keys, count: 20 })
      const wanted = keys.length * 20 - 2
      await kit.until(
        () => `${wanted} messages; ${collector.handled.length} were handled`,
        () => collector.handled.length >= wanted,
        { timeoutMs: 20_000 + 3 * kit.capabilities.delayResolutionMs },
      )
      await kit.until('three dead letters', async () => (await queue.deadLetters(topic).list()).length >= 3)
      await kit.quiet(() => collector.runs.length)
      order.check(keys, 20)
    },
  },
]
