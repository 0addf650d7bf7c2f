import assert from 'node:assert/strict'
import { isMqError } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { range, sorted, timed } from '../../kit/expect.js'
import { consumeOptions, done, publishCall, rawMessage } from '../../kit/raw.js'
import { attemptsOf } from '../../kit/timing.js'
import { aborted, createGate } from '../../kit/wait.js'

/** The time in which another consumer gets returned messages: a broker may have to rebalance the group first. */
const handOverMs = 10_000

/** The time by which `stop` may exceed its timeout. Core gives an adapter up to 5 s more. */
const graceMs = 4_000

export const stopping: readonly ConformanceCase[] = [
  {
    id: 'SHD-1',
    title: 'stop waits for running handlers, starts no other, and leaves the rest to the next subscription',
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
      // There are two free slots and messages for them.
      await ledger.publish(queue, { count: 20 })
      await kit.quiet(() => first.runs.length)
      assert.equal(first.runs.length, 2, 'a handler was started after stop')
      assert.equal(stopped, false, 'stop did not wait for the handlers')
      gate.open()
      await stop
      assert.equal(first.handled.length, 2, 'handled messages')
      assert.ok(
        first.runs.every(({ signal }) => !signal.aborted),
        'the signal of a handler aborted, although stop had no timeout yet',
      )
      const second = await ledger.collect(queue)
      await ledger.check({ queue, duplicates: 0 })
      assert.equal(second.handled.length, 20, 'handled messages')
      assert.deepEqual(
        second.runs.filter(({ attempt }) => attempt !== 1).map(({ id }) => id),
        [],
        'ids of repeated runs',
      )
      // Acknowledgements sent during the stop count: a new connection gets no message again.
      await queue.disconnect()
      const later = await kit.collect(await kit.queue(), kit.topic())
      await kit.quiet(() => later.runs.length)
      assert.deepEqual(later.ids, [])
    },
  },
  {
    id: 'SHD-2',
    title:
      'at the timeout of stop, signals abort with MQ_STOPPED and other consumers run the messages as first attempts',
    promises: [3, 13],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const [leaving, staying] = [await kit.queue(), await kit.queue()]
      await staying.declareGroup(kit.topic(), 'g')
      const gate = createGate()
      const stuck = await kit.collect(leaving, kit.topic(), {
        handler: async ({ data }, { signal }) => {
          // One handler ends when its signal aborts. The other ignores the signal and succeeds much later.
          if (data === 'ignores') return gate.opened
          await aborted(signal)
          throw signal.reason
        },
      })
      await leaving.publish(kit.topic(), 'obeys', { id: 'obeys' })
      await leaving.publish(kit.topic(), 'ignores', { id: 'ignores' })
      await kit.until('both handlers to run', () => stuck.running === 2)
      const { tookMs } = await timed(stuck.subscription.stop({ timeoutMs: 300 }))
      assert.ok(tookMs > 280, `stop waited only ${tookMs} ms for its handlers, not 300 ms`)
      assert.ok(tookMs < 300 + graceMs, `stop took ${tookMs} ms with a timeout of 300 ms`)
      for (const { signal } of stuck.runs) {
        assert.ok(isMqError(signal.reason, 'MQ_STOPPED'), `aborted with ${String(signal.reason)}`)
      }
      const other = await kit.collect(staying, kit.topic())
      await kit.until('the other consumer to handle both messages', () => other.handled.length >= 2, {
        timeoutMs: handOverMs,
      })
      gate.open()
      await kit.until('the last handler to end', () => stuck.running === 0)
      await kit.quiet(() => other.runs.length + stuck.runs.length)
      assert.deepEqual(sorted(other.ids), ['ignores', 'obeys'])
      assert.deepEqual(
        other.runs.map(({ attempt }) => attempt),
        [1, 1],
      )
      assert.equal(stuck.runs.length, 2, 'runs')
      assert.deepEqual(await staying.deadLetters(kit.topic(), 'g').list(), [])
    },
  },
  {
    id: 'SHD-3',
    title: 'messages that a stopped consumer had fetched and not started are handled at once by another',
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
      assert.equal(stuck.running, 1, 'runs of the consumer with one slot')
      await stuck.subscription.stop({ timeoutMs: 200 })
      await ledger.check({ queue: staying, duplicates: 0, withinMs: handOverMs })
      assert.equal(stuck.runs.length, 1, 'runs')
      assert.ok(
        other.runs.every(({ attempt }) => attempt === 1),
        'a message that had not run counts as tried',
      )
      gate.open()
    },
  },
  {
    id: 'SHD-4',
    title: 'stop may be called again, concurrently, later or during disconnect; each call waits for the handlers',
    promises: [13],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const gate = createGate()
      const collector = await kit.collect(queue, kit.topic(), { handler: () => gate.opened })
      await queue.publish(kit.topic(), 1)
      await kit.until('the handler to run', () => collector.running === 1)
      const { subscription } = collector
      let ended = 0
      const calls = [subscription.stop(), subscription.stop(), queue.disconnect(), queue.disconnect()].map((call) =>
        call.then(() => {
          ended += 1
        }),
      )
      await kit.quiet(() => ended)
      assert.equal(ended, 0, 'calls that did not wait for the handler')
      gate.open()
      await Promise.all(calls)
      assert.equal(collector.handled.length, 1, 'handled messages')
      await Promise.all([subscription.stop(), subscription.stop({ timeoutMs: 0 }), queue.disconnect()])
    },
  },
  {
    id: 'SHD-5',
    title:
      "the adapter's own consumer may be stopped again, concurrently or later, before and after its adapter disconnects",
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
    title: 'an idle consumer stops quickly, and so does the disconnect of its queue',
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
      // The best of three counts, because a pause of the machine is not the adapter's fault.
      assert.ok(
        Math.min(...took.stop) < 1_000,
        `three calls of stop took ${took.stop.map(Math.round).join(', ')} ms, not below 1,000 ms`,
      )
      assert.ok(
        Math.min(...took.disconnect) < 1_000,
        `three calls of disconnect took ${took.disconnect.map(Math.round).join(', ')} ms, not below 1,000 ms`,
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
        assert.equal(ledger.published.size, 10, 'published messages')
        await ledger.check({ queue, duplicates: 0 })
      }
      assert.equal(gone.runs.length, 0, 'runs')
      assert.equal(queue.health().status, 'up')
    },
  },
  {
    id: 'SHD-19',
    title: 'stop and disconnect, awaited inside a handler, resolve at once, and the outcome of that run counts',
    promises: [4, 5, 13],
    level: 'required',
    timeoutMs: 90_000,
    async run(kit) {
      const publisher = await kit.queue()
      for (const way of ['stop', 'disconnect'] as const) {
        const topic = kit.topic(way)
        const queue = await kit.queue({ stopTimeoutMs: 60_000 })
        const settled: string[] = []
        queue.on('settled', ({ settlement }) => void settled.push(settlement))
        const collector = await kit.collect(queue, topic, {
          concurrency: 1,
          handler: async () => {
            await (way === 'stop' ? collector.subscription.stop() : queue.disconnect())
            throw new Error('on purpose, after the end')
          },
        })
        await publisher.publish(topic, 1, { id: way })
        await kit.until('the end of the run', () => settled.length > 0)
        assert.deepEqual(settled, ['retry'])
        await queue.disconnect()
        const later = await kit.collect(publisher, topic)
        await kit.until('the retry', () => later.handled.length > 0, { timeoutMs: kit.redeliveryMs })
        assert.deepEqual(attemptsOf(later.runs), [2])
      }
    },
  },
]
