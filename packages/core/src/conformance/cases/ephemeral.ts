import assert from 'node:assert/strict'
import type { Settlement } from '../../adapter.js'
import { type Queue, type QueueEvents, RetryLater, Unrecoverable } from '../../index.js'
import type { Chapter } from '../kit/case.js'
import type { Collector } from '../kit/collector.js'
import { range, sorted } from '../kit/expect.js'
import { nothingNew } from '../kit/group-state.js'
import { createKeyOrder, publishKeys, someWork } from '../kit/key-order.js'
import { consumeOptions, failureOf, publishCall, rawMessage, release } from '../kit/raw.js'
import { createGate } from '../kit/wait.js'

export const ephemeral: Chapter = {
  name: 'ephemeral',
  cases: [
    {
      id: 'EPH-1',
      title:
        'every ephemeral subscription gets all messages published after it begins, none from before, and takes none from a group',
      promises: [2, 3],
      level: 'required',
      timeoutMs: 90_000,
      async run(kit) {
        const [queue, other, topic] = [await kit.queue(), await kit.queue(), kit.topic()]
        const ledger = kit.ledger(topic)
        await queue.declareGroup(topic, 'g')
        await ledger.publish(queue, { count: 10 })
        const before = new Set(ledger.published)
        const instances = [
          await kit.collect(queue, topic, { ephemeral: true }),
          await kit.collect(queue, topic, { ephemeral: true }),
          await kit.collect(other, topic, { ephemeral: true }),
        ]
        assert.equal(new Set(instances.map(({ subscription }) => subscription.group)).size, 3, 'groups of their own')
        await ledger.publish(queue, { count: 40 })
        await ledger.publish(other, { count: 5, delayMs: 50 })
        const wanted = sorted([...ledger.published].filter((id) => !before.has(id)))
        await kit.until(
          () => `45 messages in each; ${instances.map(({ handled }) => handled.length).join(', ')} arrived`,
          () => instances.every(({ handled }) => handled.length >= 45),
          { timeoutMs: 10_000 + kit.capabilities.delayResolutionMs },
        )
        await kit.quiet(() => instances.reduce((sum, { runs }) => sum + runs.length, 0))
        for (const { ids } of instances) assert.deepEqual(sorted(ids), wanted)
        await ledger.collect(queue)
        await ledger.check({ queue, duplicates: 0 })
      },
    },
    {
      id: 'EPH-2',
      title: 'a failure in an ephemeral subscription is an error event without a retry, and later messages arrive',
      promises: [5, 6],
      level: 'required',
      timeoutMs: 60_000,
      async run(kit) {
        const [queue, topic] = [await kit.queue(), kit.topic()]
        const errors: QueueEvents['error'][] = []
        queue.on('error', (event) => errors.push(event))
        const failures = [
          new Error('an error'),
          new RetryLater({ afterMs: 0 }),
          new Unrecoverable('a reason'),
          undefined,
        ]
        const collector = await kit.collect(queue, topic, {
          ephemeral: true,
          handler: ({ data }) => {
            if (data === 'works') return
            throw failures[data as number]
          },
        })
        await queue.publishAll(topic, [...failures.keys()])
        await queue.publish(topic, 'works')
        await kit.until('the message that works', () => collector.handled.length > 0)
        await kit.until('an error event for each failure', () => errors.length >= failures.length)
        await kit.quiet(() => collector.runs.length)
        assert.deepEqual(
          collector.runs.map(({ attempt }) => attempt),
          range(failures.length + 1).map(() => 1),
        )
        const { group } = collector.subscription
        assert.deepEqual(
          errors.map(({ topic, group }) => ({ topic, group })),
          failures.map(() => ({ topic, group })),
        )
        assert.deepEqual(await queue.deadLetters(topic, group).list(), [])
      },
    },
    {
      id: 'EPH-3',
      title: 'the adapter carries out retry, dead and release of an ephemeral message as done',
      promises: [5, 6],
      level: 'required',
      timeoutMs: 60_000,
      async run(kit) {
        const adapter = await kit.connected()
        const ref = { topic: kit.topic(), group: 'ephemeral.one' }
        const seen: string[] = []
        await adapter.consume(ref, { ...consumeOptions, ephemeral: true }, async (delivery): Promise<Settlement> => {
          const { id } = delivery.message
          seen.push(id)
          const failure = failureOf(delivery)
          if (id === 'retry') return { kind: 'retry', delayMs: 0, failure }
          return id === 'dead' ? { kind: 'dead', failure } : release
        })
        const ids = ['dead', 'release', 'retry']
        await adapter.publish(
          ref.topic,
          ids.map((id) => rawMessage({ id })),
          publishCall(),
        )
        await kit.until('one run of each', () => seen.length >= 3)
        // A retry would be due before this message.
        await adapter.publish(ref.topic, [rawMessage({ id: 'later', delayMs: 50 })], publishCall())
        await kit.until('a later message', () => seen.includes('later'), {
          timeoutMs: 10_000 + kit.capabilities.delayResolutionMs,
        })
        await kit.quiet(() => seen.length)
        assert.deepEqual(sorted(seen), sorted([...ids, 'later']))
        assert.deepEqual(await adapter.deadLetters(ref).list({ limit: 10 }), [])
      },
    },
    {
      id: 'EPH-4',
      title: 'an ephemeral subscription leaves no group behind, and no message for a later subscription',
      promises: [1, 2, 13],
      level: 'required',
      timeoutMs: 90_000,
      async run(kit) {
        const [queue, topic] = [await kit.queue(), kit.topic()]
        const routed = async (): Promise<string> => (await queue.publish(topic, 'ping')).routed
        const without = await routed()
        const isGone = (): Promise<boolean> => routed().then((now) => now === without)

        const stopped = await kit.collect(queue, topic, { ephemeral: true })
        // An ephemeral subscription is not a group, so an adapter may or may not count it.
        const { id: first } = await queue.publish(topic, 'first')
        await kit.until('the first message', () => stopped.ids.includes(first))
        await stopped.subscription.stop()
        await kit.until('the subscription to be gone after its stop', isGone)

        const gate = createGate()
        const stuck = await kit.collect(queue, topic, { ephemeral: true, concurrency: 1, handler: () => gate.opened })
        for (const _ of range(5)) await routed()
        await kit.until('a handler that is stuck', () => stuck.running === 1)
        await stuck.subscription.stop({ timeoutMs: 0 })
        assert.ok(stuck.runs[0]?.signal.aborted, 'the signal of the stuck handler did not abort')
        await kit.until('it to be gone once it was stopped in the middle of a handler', isGone)

        const adapter = await kit.connected()
        const ref = { topic, group: 'ephemeral.left' }
        await adapter.consume(ref, { ...consumeOptions, ephemeral: true }, async () => release)
        await adapter.disconnect({ timeoutMs: 1_000 })
        await kit.until('the subscription to be gone with its adapter', isGone)

        const later = await kit.collect(queue, topic, { ephemeral: true })
        const { id } = await queue.publish(topic, 'last')
        await kit.until('the last message', () => later.ids.includes(id))
        await kit.quiet(() => later.runs.length + stuck.runs.length)
        assert.deepEqual({ later: later.ids, stuckRuns: stuck.runs.length }, { later: [id], stuckRuns: 1 })
      },
    },
    {
      id: 'EPH-5',
      title: 'a stuck ephemeral subscription holds up no group, no other ephemeral subscription and no publish',
      promises: [1, 8],
      level: 'required',
      timeoutMs: 60_000,
      async run(kit) {
        const [queue, topic, gate] = [await kit.queue(), kit.topic(), createGate()]
        const ledger = kit.ledger(topic)
        const stuck = await kit.collect(queue, topic, { ephemeral: true, concurrency: 1, handler: () => gate.opened })
        const other = await kit.collect(queue, topic, { ephemeral: true })
        await ledger.collect(queue)
        await ledger.publish(queue, { count: 200 })
        assert.equal(ledger.published.size, 200, 'published messages')
        await ledger.check({ queue, duplicates: 0 })
        await kit.until('all messages in the other ephemeral subscription', () => other.handled.length >= 200)
        assert.equal(stuck.runs.length, 1, 'runs')
        // The messages that waited meanwhile were not dropped.
        gate.open()
        await kit.until('all messages in the stuck subscription', () => stuck.handled.length >= 200)
        await kit.quiet(() => stuck.runs.length + other.runs.length)
        assert.deepEqual(
          { stuckPeak: stuck.peak, stuckRuns: stuck.runs.length, otherRuns: other.runs.length },
          { stuckPeak: 1, stuckRuns: 200, otherRuns: 200 },
        )
      },
    },
    {
      id: 'EPH-6',
      title: 'an ephemeral subscription respects its concurrency and, if it is ordered, the order of keys',
      promises: [8, 16],
      level: 'capability',
      unless: ({ orderedKeys }) => (orderedKeys ? undefined : 'it does not keep the order of keys'),
      timeoutMs: 60_000,
      async run(kit) {
        const [queue, topic, order] = [await kit.queue(), kit.topic(), createKeyOrder()]
        const keys = ['a', 'b', 'c', 'd', 'e']
        const work = someWork(kit.random)
        const collector = await kit.collect(queue, topic, {
          ephemeral: true,
          ordered: true,
          concurrency: 3,
          handler: order.handler(work),
        })
        await publishKeys(queue, topic, { keys, count: 20 })
        await kit.until(
          () => `100 messages; ${collector.handled.length} were handled, ${collector.running} are`,
          () => collector.handled.length >= 100,
          { timeoutMs: 20_000 },
        )
        order.check(keys, 20)
        assert.ok(collector.peak <= 3, `${collector.peak} handlers ran at once, not 3 at most`)
        assert.ok(collector.peak > 1, 'different keys did not run concurrently')
      },
    },
    {
      id: 'EPH-7',
      title: 'an ephemeral subscription resumes by itself after a lost connection',
      promises: [10],
      level: 'required',
      needs: ['cut'],
      alone: true,
      timeoutMs: 90_000,
      async run(kit) {
        const [queue, topic] = [await kit.queue({ publishTimeoutMs: 2_000 }), kit.topic()]
        const collector = await kit.collect(queue, topic, { ephemeral: true })
        await queue.publish(topic, 'before')
        await kit.until('the first message', () => collector.handled.length > 0)
        await kit.faults.cut()
        // It may miss messages that are published while it has no connection.
        const publishAgain = async (): Promise<boolean> => {
          await queue.publish(topic, 'after').catch(() => {})
          return collector.runs.some(({ data }) => data === 'after')
        }
        await kit.until('a message after the cut', publishAgain, { timeoutMs: kit.redeliveryMs + 10_000 })
        await kit.quiet(() => collector.runs.length)
        const { id } = await queue.publish(topic, 'last')
        await kit.until('the last message', () => collector.ids.includes(id))
      },
    },
    {
      id: 'EPH-8',
      title: 'the stats of an ephemeral subscription that has ended are unknown, as it is no group any more',
      promises: [2, 13],
      level: 'required',
      async run(kit) {
        const [queue, elsewhere, topic] = [await kit.queue(), await kit.queue(), kit.topic()]
        const collector = await kit.collect(queue, topic, { ephemeral: true })
        const { id } = await queue.publish(topic, 1)
        await kit.until('the message', () => collector.ids.includes(id))
        await collector.subscription.stop()
        for (const one of [queue, elsewhere]) {
          const counts = Object.values(await one.stats(topic, collector.subscription.group))
          assert.deepEqual(
            counts.filter((count) => count !== undefined),
            [],
          )
        }
      },
    },
    {
      id: 'EPH-9',
      title:
        'ephemeral subscriptions leave nothing behind at the broker, whether they are stopped or their process dies',
      promises: [2, 13],
      level: 'required',
      needs: ['leftovers', 'link'],
      alone: true,
      timeoutMs: 180_000,
      async run(kit) {
        const [queue, topic, link] = [await kit.queue(), kit.topic(), await kit.link()]
        await queue.declareGroup(topic, 'g')
        const subscribe = async (on: Queue): Promise<readonly Collector[]> => {
          const collectors = await Promise.all(range(3).map(() => kit.collect(on, topic, { ephemeral: true })))
          const { id } = await queue.publish(topic, 1)
          await kit.until('a message in each', () => collectors.every(({ ids }) => ids.includes(id)))
          return collectors
        }
        const stop = (collectors: readonly Collector[]): Promise<unknown> =>
          Promise.all(collectors.map(({ subscription }) => subscription.stop()))
        // The first ones may create what the topic keeps.
        await stop(await subscribe(queue))
        const before = await kit.faults.leftovers()
        await stop(await subscribe(queue))
        await nothingNew(kit, before)

        const dying = await kit.queue({ adapter: link.options })
        await subscribe(dying)
        await link.refuse()
        await link.cut()
        await dying.disconnect({ timeoutMs: 0 })
        await nothingNew(kit, before)
      },
    },
    {
      id: 'EPH-10',
      title: 'fifty ephemeral subscriptions that came and went leave nothing behind at the broker',
      promises: [2, 12],
      level: 'required',
      needs: ['leftovers'],
      alone: true,
      timeoutMs: 180_000,
      async run(kit) {
        const [queue, topic] = [await kit.queue(), kit.topic()]
        const comeAndGo = async (count: number): Promise<void> => {
          const collectors = await Promise.all(range(count).map(() => kit.collect(queue, topic, { ephemeral: true })))
          await Promise.all(collectors.map(({ subscription }) => subscription.stop()))
        }
        await queue.declareGroup(topic, 'g')
        // The first one may create what the topic keeps.
        await comeAndGo(1)
        const before = await kit.faults.leftovers()
        for (const _ of range(5)) await comeAndGo(10)
        await nothingNew(kit, before)
      },
    },
  ],
}
