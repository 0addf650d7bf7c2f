import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { range, sorted } from '../../kit/expect.js'
import { healMs } from '../../kit/load.js'
import { consumeRaw, contentOf, done, failureOf, publishCall, rawMessage } from '../../kit/raw.js'
import { attemptsOf, patience, withoutDelays } from '../../kit/timing.js'
import { sleep } from '../../kit/wait.js'

/** Tests what happens to a message while it is delayed and afterwards. */
export const delayedMessages: readonly ConformanceCase[] = [
  {
    id: 'DLY-6',
    title: 'a delayed message arrives as it was published, and its retry waits for the backoff, not for the delay',
    promises: [5, 7, 14],
    level: 'required',
    unless: withoutDelays,
    timeoutMs: 60_000,
    async run(kit) {
      const adapter = await kit.connected()
      const ref = { topic: kit.topic(), group: 'g' }
      const times: number[] = []
      const deliveries = await consumeRaw(adapter, ref, (delivery) => {
        times.push(Date.now())
        if (delivery.attempt > 1) return done
        return { kind: 'retry', delayMs: 20, failure: failureOf(delivery) }
      })
      const message = rawMessage({
        id: 'delayed ✓',
        contentType: 'application/octet-stream',
        key: 'clé-🔑',
        extensions: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
        headers: { Case: 'Kept', case: 'too', empty: '', number: '007' },
        body: Uint8Array.from(range(256)),
      })
      const delayMs = 2_000 + kit.capabilities.delayResolutionMs
      const [outcome] = await adapter.publish(ref.topic, [{ ...message, delayMs }], publishCall())
      assert.equal(outcome?.status, 'stored')
      await kit.until('two attempts', () => deliveries.length >= 2, patience(kit, 2 * delayMs, 3))
      await kit.quiet(() => deliveries.length)
      assert.deepEqual(
        deliveries.map(({ attempt }) => attempt),
        [1, 2],
      )
      for (const delivery of deliveries) assert.deepEqual(contentOf(delivery.message), contentOf(message))
      const [first = 0, second = 0] = times
      assert.ok(second - first < delayMs, `the retry came after ${second - first} ms, as if it were delayed again`)
    },
  },
  {
    id: 'DLY-7',
    title: 'a delayed message reaches each group once, whether its consumers are present or subscribe later',
    promises: [2, 3, 7],
    level: 'required',
    unless: withoutDelays,
    async run(kit) {
      const queue = await kit.queue()
      await queue.declareGroup(kit.topic(), 'absent')
      const present = await Promise.all(
        ['g', 'other', 'other'].map((group) => kit.collect(queue, kit.topic(), { group })),
      )
      const ids = range(10).map((number) => `m-${number}`)
      for (const id of ids) await queue.publish(kit.topic(), id, { id, delayMs: 500 })
      const count = (): number => present.reduce((sum, { handled }) => sum + handled.length, 0)
      await kit.until('each group to get the messages', () => count() >= 20, patience(kit, 500))
      const late = await kit.collect(queue, kit.topic(), { group: 'absent' })
      await kit.until('the messages in the group that was absent', () => late.handled.length >= 10, patience(kit, 500))
      await kit.quiet(() => count() + late.runs.length)
      const [g, ...others] = present
      assert.deepEqual(sorted(g?.ids ?? []), ids)
      assert.deepEqual(sorted(others.flatMap((one) => one.ids)), ids)
      assert.deepEqual(sorted(late.ids), ids)
    },
  },
  {
    id: 'DLY-8',
    title: 'a delayed message survives the end of its publisher and of every consumer',
    promises: [2, 7],
    level: 'required',
    unless: withoutDelays,
    async run(kit) {
      const topic = kit.topic()
      const delayMs = 2_500
      const [publisher, consumer] = [await kit.queue(), await kit.queue()]
      const first = await kit.collect(consumer, topic)
      const sentAt = Date.now()
      for (const id of ['a', 'b', 'c']) await publisher.publish(topic, id, { id, delayMs })
      await Promise.all([publisher.disconnect(), consumer.disconnect()])
      const later = await kit.collect(await kit.queue(), topic)
      const handled = (): readonly string[] => [...first.ids, ...later.ids]
      await kit.until('the messages', () => handled().length >= 3, patience(kit, delayMs))
      await kit.quiet(() => handled().length)
      assert.deepEqual(sorted(handled()), ['a', 'b', 'c'])
      for (const { startedAt } of later.runs)
        assert.ok(
          startedAt - sentAt >= delayMs,
          `a message arrived after ${startedAt - sentAt} ms, not after ${delayMs} ms`,
        )
    },
  },
  {
    id: 'DLY-9',
    title: 'a group declared while a message is delayed gets it at most once, and earlier groups exactly once',
    promises: [1, 2, 7],
    level: 'required',
    unless: withoutDelays,
    async run(kit) {
      const queue = await kit.queue()
      const before = await kit.collect(queue, kit.topic())
      const known = await queue.publish(kit.topic(), 1, { delayMs: 1_500 })
      assert.notEqual(known.routed, 'no')
      const unknown = await queue.publish(kit.topic('nobody'), 1, { delayMs: 1_500 })
      assert.notEqual(unknown.routed, 'yes')
      const after = await kit.collect(queue, kit.topic(), { group: 'declared-later' })
      const nobody = await kit.collect(queue, kit.topic('nobody'))
      await kit.until('the message in the earlier group', () => before.handled.length >= 1, patience(kit, 1_500))
      // This message shows that the later group is served.
      const { id } = await queue.publish(kit.topic(), 2)
      await kit.until('the later group to be served', () => after.ids.includes(id))
      await kit.quiet(() => before.runs.length + after.runs.length + nobody.runs.length)
      assert.deepEqual(attemptsOf(before.runs, known.id), [1])
      assert.ok(attemptsOf(after.runs, known.id).length <= 1, 'the later group got the message twice')
      assert.ok(
        nobody.runs.length <= (unknown.routed === 'no' ? 0 : 1),
        `${nobody.runs.length} runs of a message whose routed was ${unknown.routed}`,
      )
    },
  },
  {
    id: 'DLY-10',
    title: 'delayed messages survive a broker restart, and none is early or delivered twice',
    promises: [7],
    level: 'capability',
    unless: (capabilities) =>
      capabilities.durable ? withoutDelays(capabilities) : 'it does not survive a restart of its broker',
    needs: ['kill', 'restart'],
    alone: true,
    timeoutMs: 180_000,
    async run(kit) {
      const queue = await kit.queue()
      const ledger = kit.ledger(kit.topic())
      await queue.declareGroup(kit.topic(), 'g')
      const delayMs = 3_000
      const sentAt = Date.now()
      await ledger.publish(queue, { count: 30, delayMs })
      assert.equal(ledger.published.size, 30, 'published messages')
      await queue.disconnect()
      await kit.faults.kill()
      await kit.faults.restart()
      const later = await kit.queue()
      const collector = await ledger.collect(later)
      await ledger.check({ queue: later, duplicates: 0, withinMs: delayMs + healMs })
      for (const { id, startedAt } of collector.runs) {
        assert.ok(
          startedAt - sentAt >= delayMs,
          `${id} arrived after ${startedAt - sentAt} ms, not after ${delayMs} ms`,
        )
      }
    },
  },
  {
    id: 'DLY-11',
    title: 'a thousand messages that are due at once all arrive, each once',
    promises: [2, 7],
    level: 'required',
    unless: withoutDelays,
    timeoutMs: 120_000,
    async run(kit) {
      const [queue, topic, count] = [await kit.queue(), kit.topic(), 1_000]
      const ledger = kit.ledger(topic)
      const delayMs = Math.min(kit.capabilities.maxDelayMs, 2_000)
      await queue.declareGroup(topic, 'g')
      await ledger.publish(queue, { count, parallel: 200, delayMs })
      assert.equal(ledger.published.size, count, 'published messages')
      // Once the last one is due, all are, and no consumer has taken the first ones yet.
      await sleep(delayMs)
      await ledger.collect(queue, { concurrency: 50 })
      await ledger.check({ queue, duplicates: 0, withinMs: patience(kit, delayMs, 2).timeoutMs + 30_000 })
    },
  },
]
