import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { holdRuns } from '../../kit/held-consumer.js'
import { done, publishCall, rawMessage } from '../../kit/raw.js'
import { createGate } from '../../kit/wait.js'

/** Tests which consumer owns a message, until when, and when the message is gone. */
export const deliveryOwnership: readonly ConformanceCase[] = [
  {
    id: 'DEL-9',
    title: 'an acknowledged message is not delivered again, neither to this consumer nor to a later one',
    promises: [4],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const first = await kit.queue()
      const ledger = kit.ledger(kit.topic())
      const collector = await ledger.collect(first)
      await ledger.publish(first, { count: 50 })
      await ledger.check({ queue: first, duplicates: 0 })
      await collector.subscription.stop()
      await first.disconnect()

      const second = await kit.queue()
      await kit.until('the group to be empty', async () => {
        const { ready = 0, inFlight = 0 } = await second.stats(kit.topic())
        return ready === 0 && inFlight === 0
      })
      await ledger.collect(second)
      await ledger.publish(second, { count: 1 })
      await ledger.check({ queue: second, duplicates: 0 })
    },
  },
  {
    id: 'DEL-10',
    title: 'a message whose handler has not finished when its consumer leaves is delivered to another consumer',
    promises: [4, 13],
    level: 'required',
    timeoutMs: 150_000,
    async run(kit) {
      const ref = { topic: kit.topic(), group: 'g' }
      const [gone, stopped, last] = [await kit.connected(), await kit.connected(), await kit.connected()]
      await last.declareGroup(ref, { startFrom: 'latest' })
      await last.publish(ref.topic, [rawMessage({ id: 'm' })], publishCall())

      const first = await holdRuns(gone, ref)
      await kit.until('a first run', () => first.runs.length > 0)
      await gone.disconnect({ timeoutMs: 0 })
      assert.ok(first.runs[0]?.aborted, 'the signal did not abort when the connection was closed')

      const second = await holdRuns(stopped, ref)
      await kit.until('a second run, after a disconnect', () => second.runs.length > 0, { timeoutMs: kit.redeliveryMs })
      await second.stop({ timeoutMs: 0 })
      assert.ok(second.runs[0]?.aborted, 'the signal did not abort when the consumer was stopped')

      const third = await holdRuns(last, ref)
      await kit.until('a third run, after a stop', () => third.runs.length > 0, { timeoutMs: kit.redeliveryMs })
      third.runs[0]?.settle(done)
      await kit.quiet(() => first.runs.length + second.runs.length + third.runs.length)
      const ids = [first, second, third].map(({ runs }) => runs.map(({ id }) => id))
      assert.deepEqual(ids, [['m'], ['m'], ['m']])
    },
  },
  {
    id: 'DEL-11',
    title: 'the answer of a handler after its signal has aborted is ignored: the message belongs to its new owner',
    promises: [3, 4],
    level: 'required',
    timeoutMs: 150_000,
    async run(kit) {
      const ref = { topic: kit.topic(), group: 'g' }
      const [early, late] = [await kit.connected(), await kit.connected()]
      await early.declareGroup(ref, { startFrom: 'latest' })
      await early.publish(ref.topic, [rawMessage({ id: 'm' })], publishCall())
      const first = await holdRuns(early, ref)
      await kit.until('a first run', () => first.runs.length > 0)
      await first.stop({ timeoutMs: 0 })

      const second = await holdRuns(late, ref)
      await kit.until('a second run', () => second.runs.length > 0, { timeoutMs: kit.redeliveryMs })
      first.runs[0]?.settle(done)
      await kit.quiet(() => second.runs.length)
      assert.equal(second.runs[0]?.aborted, false, 'the answer of the first handler took the message from the second')
      await second.stop({ timeoutMs: 0 })

      const third = await holdRuns(early, ref)
      await kit.until('a third run, because nothing was acknowledged', () => third.runs.length > 0, {
        timeoutMs: kit.redeliveryMs,
      })
      third.runs[0]?.settle(done)
      await kit.quiet(() => third.runs.length)
      assert.equal(third.runs.length, 1, 'runs')
    },
  },
  {
    id: 'DEL-12',
    title: 'a handler that fails after its signal has aborted neither retries nor dead-letters the message',
    promises: [3, 6],
    level: 'required',
    timeoutMs: 150_000,
    async run(kit) {
      const [topic, gate] = [kit.topic(), createGate()]
      const [first, second] = [await kit.queue({ retry: false }), await kit.queue({ retry: false })]
      const stuck = await kit.collect(first, topic, {
        handler: async () => {
          await gate.opened
          throw new Error('too late')
        },
      })
      await first.publish(topic, 1, { id: 'm' })
      await kit.until('the handler to start', () => stuck.running > 0)
      await stuck.subscription.stop({ timeoutMs: 0 })
      assert.ok(stuck.runs[0]?.signal.aborted, 'the signal did not abort')
      gate.open()
      await kit.until('the handler to end', () => stuck.running === 0)

      const collector = await kit.collect(second, topic)
      await kit.until('the message', () => collector.handled.length > 0, { timeoutMs: kit.redeliveryMs })
      await kit.quiet(() => collector.runs.length)
      assert.deepEqual(collector.ids, ['m'])
      assert.deepEqual(await second.deadLetters(topic).list(), [])
    },
  },
  {
    id: 'DEL-13',
    title: 'a handler whose connection breaks keeps its message, or its signal aborts and another run gets the message',
    promises: [3, 4, 10],
    level: 'required',
    needs: ['cut'],
    alone: true,
    timeoutMs: 240_000,
    async run(kit) {
      const ref = { topic: kit.topic(), group: 'g' }
      const adapter = await kit.connected()
      await adapter.declareGroup(ref, { startFrom: 'latest' })
      await adapter.publish(ref.topic, [rawMessage({ id: 'm' })], publishCall())
      const consumer = await holdRuns(adapter, ref, { only: 'm' })
      await kit.until('a first run', () => consumer.runs.length > 0)
      const [first] = consumer.runs
      await kit.faults.cut()

      // The owner of the message is known once the consume loop has resumed.
      const inTime = { timeoutMs: kit.redeliveryMs }
      const publishOther = async (): Promise<boolean> => {
        await adapter.publish(ref.topic, [rawMessage()], publishCall(1_000)).catch(() => {})
        return consumer.others.length > 0
      }
      await kit.until('another message to be delivered', publishOther, inTime)
      await kit.until('an owner', () => first?.aborted === false || consumer.runs.length > 1, inTime)

      const wasLost = first?.aborted === true
      first?.settle(done)
      await kit.quiet(() => consumer.runs.length)
      await consumer.stop({ timeoutMs: 0 })
      const later = await holdRuns(adapter, ref, { only: 'm' })
      if (wasLost) await kit.until('a third run, because nothing was acknowledged', () => later.runs.length > 0, inTime)
      await kit.quiet(() => later.runs.length)
      assert.equal(
        later.runs.length,
        wasLost ? 1 : 0,
        wasLost ? 'runs of a message that was lost' : 'runs of a message that its owner has acknowledged',
      )
    },
  },
  {
    id: 'DEL-14',
    title: 'a run that had lost its message when its handler returned is reported as released, and the next as done',
    promises: [3, 4],
    level: 'required',
    timeoutMs: 150_000,
    async run(kit) {
      const [topic, gate] = [kit.topic(), createGate()]
      const [first, second] = [await kit.queue(), await kit.queue()]
      const settled: [id: string, settlement: string][] = []
      for (const queue of [first, second]) {
        queue.on('settled', ({ id, settlement }) => void settled.push([id, settlement]))
      }
      const stuck = await kit.collect(first, topic, { handler: () => gate.opened })
      await first.publish(topic, 1, { id: 'm' })
      await kit.until('the handler to start', () => stuck.running > 0)
      await stuck.subscription.stop({ timeoutMs: 0 })
      gate.open()
      await kit.until('the first run to be settled', () => settled.length >= 1)

      const collector = await kit.collect(second, topic)
      await kit.until('the second run', () => collector.handled.length > 0, { timeoutMs: kit.redeliveryMs })
      await kit.until('the second run to be settled', () => settled.length >= 2)
      await kit.quiet(() => settled.length)
      assert.deepEqual(settled, [
        ['m', 'release'],
        ['m', 'done'],
      ])
    },
  },
  {
    id: 'DEL-15',
    title: 'a run whose connection breaks is reported as done only if it kept its message',
    promises: [3, 4, 10],
    level: 'required',
    needs: ['cut'],
    alone: true,
    timeoutMs: 240_000,
    async run(kit) {
      const [topic, gate] = [kit.topic(), createGate()]
      const queue = await kit.queue()
      const settled: string[] = []
      const expected: string[] = []
      queue.on('settled', ({ settlement }) => void settled.push(settlement))
      const collector = await kit.collect(queue, topic, {
        handler: async (_, { signal }) => {
          if (expected.length === 0) await gate.opened
          expected.push(signal.aborted ? 'release' : 'done')
        },
        retry: { attempts: 10 },
      })
      await queue.publish(topic, 1, { id: 'm' })
      await kit.until('the handler to start', () => collector.running > 0)
      await kit.faults.cut()
      const [held] = collector.runs
      const isOver = (): boolean => held?.signal.aborted === true || queue.health().status === 'up'
      await kit.until('the loss, or the connection', isOver, { timeoutMs: kit.redeliveryMs })
      gate.open()
      await kit.until('a run that is done', () => settled.includes('done'), { timeoutMs: kit.redeliveryMs })
      await kit.quiet(() => settled.length)
      assert.deepEqual(settled, expected)
    },
  },
]
