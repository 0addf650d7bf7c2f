import assert from 'node:assert/strict'
import type { Chapter } from '../kit/case.js'
import type { Collector } from '../kit/collector.js'
import type { Kit } from '../kit/kit.js'
import { healMs } from '../kit/load.js'
import { createGate, sleep } from '../kit/wait.js'

export const concurrency: Chapter = {
  name: 'concurrency',
  cases: [
    {
      id: 'CNC-1',
      title: 'exactly as many handlers run at once as concurrency allows, few or many, and never one more',
      promises: [8],
      level: 'required',
      timeoutMs: 60_000,
      async run(kit) {
        const queue = await kit.queue()
        await Promise.all(
          [1, 5, 120].map(async (limit) => {
            const ledger = kit.ledger(kit.topic(`l${limit}`))
            const gate = createGate()
            const collector = await ledger.collect(queue, { concurrency: limit, handler: () => gate.opened })
            await ledger.publish(queue, { count: limit + 50, parallel: 50 })
            await fullAt(kit, collector, limit)
            gate.open()
            await ledger.check({ queue, duplicates: 0 })
            assert.equal(collector.peak, limit, 'handlers at once')
          }),
        )
      },
    },
    {
      id: 'CNC-2',
      title: 'each subscription has its own limit, even if two of one queue are in the same group',
      promises: [3, 8],
      level: 'required',
      timeoutMs: 60_000,
      async run(kit) {
        const queue = await kit.queue()
        const ledger = kit.ledger(kit.topic())
        const gate = createGate()
        const handler = (): Promise<void> => gate.opened
        const two = await ledger.collect(queue, { concurrency: 2, handler })
        const three = await ledger.collect(queue, { concurrency: 3, handler })
        const other = await kit.collect(queue, kit.topic(), { group: 'other', concurrency: 4, handler })
        await ledger.publish(queue, { count: 120 })
        await fullAt(kit, two, 2)
        await fullAt(kit, three, 3)
        await fullAt(kit, other, 4)
        gate.open()
        await ledger.check({ queue, duplicates: 0 })
        await kit.until('all messages in the other group', () => other.handled.length >= 120)
        assert.deepEqual({ two: two.peak, three: three.peak, other: other.peak }, { two: 2, three: 3, other: 4 })
      },
    },
    {
      id: 'CNC-3',
      title: 'at concurrency 1 a handler starts only after the previous one has ended',
      promises: [8],
      level: 'required',
      async run(kit) {
        const queue = await kit.queue()
        const ledger = kit.ledger(kit.topic())
        const collector = await ledger.collect(queue, { concurrency: 1, handler: () => sleep(kit.random() * 10) })
        await ledger.publish(queue, { count: 40 })
        await ledger.check({ queue, duplicates: 0 })
        assert.equal(collector.peak, 1, 'handlers at once')
      },
    },
    {
      id: 'CNC-4',
      title: 'a stuck handler holds up no other handler, at concurrency 2 and 10, and keeps its message',
      promises: [3, 8],
      level: 'required',
      timeoutMs: 60_000,
      async run(kit) {
        const queue = await kit.queue()
        await Promise.all(
          [2, 10].map(async (limit) => {
            const ledger = kit.ledger(kit.topic(`l${limit}`))
            const gate = createGate()
            // The other messages have the same key or none; the subscription is not ordered.
            const handler = ({ id }: { readonly id: string }): unknown => (id === 'm-0' ? gate.opened : undefined)
            const collector = await ledger.collect(queue, { concurrency: limit, handler })
            await ledger.publish(queue, { count: 1, key: () => 'k' })
            await kit.until('the handler that will be stuck', () => collector.running === 1)
            await ledger.publish(queue, { count: 100, key: () => 'k' })
            await ledger.publish(queue, { count: 100 })
            const others = (): number => collector.handled.length
            await kit.until(
              () => `200 others; ${others()} were handled`,
              () => others() >= 200,
              { timeoutMs: 20_000 },
            )
            assert.equal(collector.running, 1, 'running handlers')
            gate.open()
            await ledger.check({ queue, duplicates: 0 })
            assert.equal(collector.runs.length, 201, 'runs')
          }),
        )
      },
    },
    {
      id: 'CNC-5',
      title: 'a backlog of 5,000 messages is drained, each handled once, and never more at a time than allowed',
      promises: [2, 3, 8],
      level: 'required',
      timeoutMs: 120_000,
      async run(kit) {
        const queue = await kit.queue()
        const ledger = kit.ledger(kit.topic())
        await queue.declareGroup(kit.topic(), 'g')
        await ledger.publish(queue, { count: 5_000, parallel: 200 })
        assert.equal(ledger.published.size, 5_000, 'published messages')
        const collector = await ledger.collect(queue, { concurrency: 50 })
        await ledger.check({ queue, duplicates: 0, withinMs: 60_000 })
        assert.ok(collector.peak <= 50, `${collector.peak} handlers ran at once, not 50 at most`)
      },
    },
    {
      id: 'CNC-6',
      title: 'retries and delayed messages count towards the limit like all other messages',
      promises: [5, 7, 8],
      level: 'required',
      timeoutMs: 60_000,
      async run(kit) {
        const queue = await kit.queue()
        const ledger = kit.ledger(kit.topic())
        const gate = createGate()
        const collector = await ledger.collect(queue, {
          concurrency: 3,
          handler: ({ data, attempt }) => {
            if (data === 'fails' && attempt === 1) throw new Error('once more')
            return gate.opened
          },
        })
        await ledger.publish(queue, { count: 20, data: () => 'fails' })
        await ledger.publish(queue, { count: 20, data: () => 'delayed', delayMs: 50 })
        await ledger.publish(queue, { count: 20, data: () => 'plain' })
        await fullAt(kit, collector, 3)
        // All of them are due after this wait.
        await kit.until(
          'the failed and the delayed messages to be due',
          () => (collector.runs.at(-1)?.startedAt ?? 0) + 100 + kit.capabilities.delayResolutionMs < Date.now(),
          { timeoutMs: 10_000 + kit.capabilities.delayResolutionMs },
        )
        await fullAt(kit, collector, 3)
        gate.open()
        await ledger.check({ queue, duplicates: 0, withinMs: 30_000 })
        assert.equal(collector.peak, 3, 'handlers at once')
        assert.equal(collector.runs.filter(({ attempt }) => attempt > 1).length, 20, 'later attempts')
      },
    },
    {
      id: 'CNC-7',
      title: 'a subscription whose handlers are all stuck holds up no other subscription of its queue and no publish',
      promises: [1, 8],
      level: 'required',
      timeoutMs: 60_000,
      async run(kit) {
        const [queue, topic] = [await kit.queue(), kit.topic()]
        const gate = createGate()
        const stuck = kit.ledger(topic, 'stuck')
        const collector = await stuck.collect(queue, { concurrency: 2, handler: () => gate.opened })
        await stuck.publish(queue, { count: 50 })
        await fullAt(kit, collector, 2)

        const beside = kit.ledger(kit.topic('beside'))
        await beside.collect(queue)
        const sharing = await kit.collect(queue, topic, { group: 'beside', concurrency: 1 })
        await stuck.publish(queue, { count: 50 })
        await beside.publish(queue, { count: 50 })
        await beside.check({ queue, duplicates: 0 })
        await kit.until('the other group of the same topic', () => sharing.handled.length >= 50)
        assert.equal(collector.running, 2, 'running handlers')
        gate.open()
        await stuck.check({ queue, duplicates: 0 })
        assert.equal(stuck.published.size, 100, 'published messages')
      },
    },
    {
      id: 'CNC-8',
      title: 'messages that come back from a killed process count towards the limit of the consumer that gets them',
      promises: [4, 8],
      level: 'required',
      needs: ['worker'],
      timeoutMs: ({ redeliveryMs }) => 120_000 + 2 * redeliveryMs,
      async run(kit) {
        const [queue, topic, gate] = [await kit.queue(), kit.topic(), createGate()]
        const ledger = kit.ledger(topic)
        await queue.declareGroup(topic, 'g')
        await ledger.publish(queue, { count: 4 })
        const worker = await kit.worker({ topic, handler: 'hang', concurrency: 4 })
        const isBusy = (): boolean => worker.events.filter(({ type }) => type === 'started').length === 4
        await kit.until('the process to run four messages', isBusy, { timeoutMs: healMs })
        const live = await ledger.collect(queue, { concurrency: 2, handler: () => gate.opened })
        await ledger.publish(queue, { count: 30 })
        await worker.kill()
        await fullAt(kit, live, 2)
        // The four messages come back while both slots are taken.
        await sleep(kit.capabilities.redeliveryMs + 1_000)
        assert.equal(live.peak, 2, 'handlers at once')
        gate.open()
        await ledger.check({ queue, duplicates: 0, withinMs: kit.redeliveryMs + healMs })
        assert.equal(live.peak, 2, 'handlers at once')
      },
    },
    {
      id: 'CNC-9',
      title: 'a busy consumer at concurrency 1 hoards nothing: the messages that wait go to an idle one',
      promises: [2, 8],
      level: 'required',
      unless: ({ countsCrashes, embedded }) =>
        countsCrashes || embedded
          ? undefined
          : 'it may hand out a backlog in parts, as it does not count the runs of each message',
      timeoutMs: 60_000,
      async run(kit) {
        const [busyQueue, idleQueue, gate] = [await kit.queue(), await kit.queue(), createGate()]
        const ledger = kit.ledger(kit.topic())
        const busy = await ledger.collect(busyQueue, { concurrency: 1, handler: () => gate.opened })
        await ledger.publish(busyQueue, { count: 1 })
        await kit.until('a stuck handler', () => busy.running === 1)
        await ledger.publish(busyQueue, { count: 20 })
        const idle = await ledger.collect(idleQueue, { concurrency: 1 })
        await ledger.publish(busyQueue, { count: 20 })
        await kit.until(
          () => `40 messages in the idle consumer; ${idle.handled.length} were handled`,
          () => idle.handled.length >= 40,
        )
        gate.open()
        await ledger.check({ queue: idleQueue, duplicates: 0 })
        assert.equal(busy.runs.length, 1, 'runs of the busy consumer')
      },
    },
  ],
}

/** Waits until all slots are taken, and checks that no further handler starts. */
async function fullAt(kit: Kit, collector: Collector, limit: number): Promise<void> {
  await kit.until(
    () => `${limit} handlers at once; there are ${collector.running}`,
    () => collector.running >= limit,
  )
  await kit.quiet(() => collector.runs.length)
  assert.equal(collector.running, limit, 'running handlers')
}
