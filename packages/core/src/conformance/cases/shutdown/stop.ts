import assert from 'node:assert/strict'
import { isMqError } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { range, sorted, timed } from '../../kit/expect.js'
import { createGate } from '../../kit/gate.js'
import { consumeOptions, done, publishCall, rawMessage } from '../../kit/raw.js'
import { aborted } from '../../kit/wait.js'

/** How soon after a stop another consumer has what was given back: a broker may have to share out its work anew first. */
const handOverMs = 10_000

/** How long `stop` may take beyond its deadline. Core waits 5 s longer for an adapter, and then no more. */
const graceMs = 4_000

export const stopping: readonly ConformanceCase[] = [
  {
    id: 'SHD-1',
    title: 'stop waits for the handlers that run, starts no other one, and leaves the rest to the next subscription',
    promises: [4, 13],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const ledger = kit.ledger(kit.topic())
      const gate = createGate()
      const first = await ledger.collect(queue, {
        concurrency: 4,
        handler: ({ data }) => ((data as { index: number }).index < 2 ? gate.opened : undefined),
      })
      await ledger.publish(queue, { count: 2 })
      await kit.until('two handlers to run', () => first.running === 2)
      let stopped = false
      const stop = first.subscription.stop().then(() => {
        stopped = true
      })
      // Two slots are free, and there is work for them.
      await ledger.publish(queue, { count: 20 })
      await kit.quiet(() => first.runs.length)
      assert.equal(first.runs.length, 2, 'a handler was started after stop')
      assert.equal(stopped, false, 'stop did not wait for the handlers')
      gate.open()
      await stop
      assert.equal(first.handled.length, 2)
      assert.ok(
        first.runs.every(({ signal }) => !signal.aborted),
        'a handler that was in time was aborted',
      )
      const second = await ledger.collect(queue)
      await ledger.check({ queue, duplicates: 0 })
      assert.equal(second.handled.length, 20)
      assert.ok(second.runs.every(({ attempt }) => attempt === 1))
      // What was acknowledged while stopping is acknowledged: a new connection brings nothing back.
      await queue.disconnect()
      const later = await kit.collect(await kit.queue(), kit.topic())
      await kit.quiet(() => later.runs.length)
      assert.deepEqual(later.ids, [])
    },
  },
  {
    id: 'SHD-2',
    title:
      'past the deadline of stop, signals abort with MQ_STOPPED and other consumers run the messages as if never run',
    promises: [3, 13],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const [leaving, staying] = [await kit.queue(), await kit.queue()]
      await staying.declareGroup(kit.topic(), 'g')
      const gate = createGate()
      const stuck = await kit.collect(leaving, kit.topic(), {
        handler: async ({ data }, { signal }) => {
          // One ends by its signal; the other does not care and ends well, much later.
          if (data === 'ignores') return gate.opened
          await aborted(signal)
          throw signal.reason
        },
      })
      await leaving.publish(kit.topic(), 'obeys', { id: 'obeys' })
      await leaving.publish(kit.topic(), 'ignores', { id: 'ignores' })
      await kit.until('both to run', () => stuck.running === 2)
      const { tookMs } = await timed(stuck.subscription.stop({ timeoutMs: 300 }))
      assert.ok(tookMs > 280, `it waited only ${tookMs} ms for its handlers`)
      assert.ok(tookMs < 300 + graceMs, `stop took ${tookMs} ms, its deadline was 300 ms`)
      for (const { signal } of stuck.runs) {
        assert.ok(isMqError(signal.reason, 'MQ_STOPPED'), `aborted with ${String(signal.reason)}`)
      }
      const other = await kit.collect(staying, kit.topic())
      await kit.until('the other consumer to run both', () => other.handled.length >= 2, { timeoutMs: handOverMs })
      gate.open()
      await kit.until('the last handler to end', () => stuck.running === 0)
      await kit.quiet(() => other.runs.length + stuck.runs.length)
      assert.deepEqual(sorted(other.ids), ['ignores', 'obeys'])
      assert.deepEqual(
        other.runs.map(({ attempt }) => attempt),
        [1, 1],
      )
      assert.equal(stuck.runs.length, 2)
      assert.deepEqual(await staying.deadLetters(kit.topic(), 'g').list(), [])
    },
  },
  {
    id: 'SHD-3',
    title: 'what a stopped consumer had fetched and not started is at once handled by another',
    promises: [2, 13],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const [leaving, staying] = [await kit.queue(), await kit.queue()]
      const ledger = kit.ledger(kit.topic())
      const gate = createGate()
      const stuck = await kit.collect(leaving, kit.topic(), { concurrency: 1, handler: () => gate.opened })
      const other = await ledger.collect(staying, { concurrency: 1 })
      for (let round = 0; stuck.running === 0 && round < 20; round++) {
        await ledger.publish(staying, { count: 20 })
        await kit.quiet(() => other.runs.length)
      }
      assert.equal(stuck.running, 1, 'the group has two consumers, and one of them gets nothing')
      await stuck.subscription.stop({ timeoutMs: 200 })
      await ledger.check({ queue: staying, duplicates: 0, withinMs: handOverMs })
      assert.equal(stuck.runs.length, 1)
      assert.ok(
        other.runs.every(({ attempt }) => attempt === 1),
        'a message that nobody had run counts as tried',
      )
      gate.open()
    },
  },
  {
    id: 'SHD-4',
    title: 'stop may be called twice, at once and later, and during disconnect; each call waits for the handlers',
    promises: [13],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const gate = createGate()
      const collector = await kit.collect(queue, kit.topic(), { handler: () => gate.opened })
      await queue.publish(kit.topic(), 1)
      await kit.until('it to run', () => collector.running === 1)
      const { subscription } = collector
      let ended = 0
      const calls = [subscription.stop(), subscription.stop(), queue.disconnect(), queue.disconnect()].map((call) =>
        call.then(() => {
          ended += 1
        }),
      )
      await kit.quiet(() => ended)
      assert.equal(ended, 0, 'one of them did not wait for the handler')
      gate.open()
      await Promise.all(calls)
      assert.equal(collector.handled.length, 1)
      await Promise.all([subscription.stop(), subscription.stop({ timeoutMs: 0 }), queue.disconnect()])
    },
  },
  {
    id: 'SHD-5',
    title: "the adapter's own consumer may be stopped twice, at once and later, and before and after its adapter",
    promises: [13],
    level: 'required',
    async run(kit) {
      const adapter = await kit.connected()
      const ref = { topic: kit.topic(), group: 'g' }
      await adapter.declareGroup(ref, { startFrom: 'latest' })
      const consumers = [
        await adapter.consume(ref, consumeOptions, async () => done),
        await adapter.consume(ref, consumeOptions, async () => done),
      ]
      await adapter.publish(ref.topic, [rawMessage()], publishCall())
      const deadline = { timeoutMs: 2_000 }
      await Promise.all([consumers[0]?.stop(deadline), consumers[0]?.stop(deadline)])
      await consumers[0]?.stop(deadline)
      await Promise.all([adapter.disconnect(deadline), consumers[1]?.stop(deadline), adapter.disconnect(deadline)])
      await Promise.all(consumers.map((consumer) => consumer.stop(deadline)))
    },
  },
  {
    id: 'SHD-6',
    title: 'a consumer with nothing to do is stopped, and its queue disconnected, quickly',
    promises: [13],
    level: 'required',
    alone: true,
    timeoutMs: 60_000,
    async run(kit) {
      const took = { stop: [] as number[], disconnect: [] as number[] }
      for (const round of range(3)) {
        const queue = await kit.queue()
        const collector = await kit.collect(queue, kit.topic(String(round)))
        const { id } = await queue.publish(kit.topic(String(round)), 1)
        await kit.until('a message', () => collector.ids.includes(id))
        await kit.quiet(() => collector.runs.length)
        took.stop.push((await timed(collector.subscription.stop())).tookMs)
        took.disconnect.push((await timed(queue.disconnect())).tookMs)
      }
      // The best of three: a pause of the machine is no fault of the adapter.
      assert.ok(Math.min(...took.stop) < 1_000, `stop took ${took.stop.map(Math.round).join(', ')} ms`)
      assert.ok(
        Math.min(...took.disconnect) < 1_000,
        `disconnect took ${took.disconnect.map(Math.round).join(', ')} ms`,
      )
    },
  },
  {
    id: 'SHD-8',
    title: 'stopping one subscription leaves the others of its queue alone',
    promises: [13],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const gone = await kit.collect(queue, kit.topic())
      const ledgers = [kit.ledger(kit.topic(), 'h'), kit.ledger(kit.topic('other'))]
      for (const ledger of ledgers) await ledger.collect(queue)
      await gone.subscription.stop()
      for (const ledger of ledgers) await ledger.publish(queue, { count: 10 })
      for (const ledger of ledgers) {
        assert.equal(ledger.published.size, 10)
        await ledger.check({ queue, duplicates: 0 })
      }
      assert.equal(gone.runs.length, 0)
      assert.equal(queue.health().status, 'up')
    },
  },
]
