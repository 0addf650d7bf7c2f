import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import type { Collector } from '../../kit/collector.js'
import { range } from '../../kit/expect.js'
import { workerIds } from '../../kit/ledger.js'
import { doubtPerFault, healMs, publishSteadily } from '../../kit/load.js'
import { aborted, createGate, sleep } from '../../kit/wait.js'
import type { Worker } from '../../subject.js'

const handledBy = (worker: Worker): number => worker.events.filter(({ type }) => type === 'handled').length
const startedBy = (worker: Worker): readonly string[] => workerIds(worker, 'started')

/** Tests consumers that leave their group properly, and others that are killed. */
export const memberFaults: readonly ConformanceCase[] = [
  {
    id: 'FLT-18',
    title: 'messages held by a killed process run on a live consumer within redeliveryMs',
    promises: [3, 4],
    level: 'required',
    needs: ['worker'],
    timeoutMs: 180_000,
    async run(kit) {
      const queue = await kit.queue()
      const ledger = kit.ledger(kit.topic())
      const live = await ledger.collect(queue)
      const worker = await kit.worker({ topic: kit.topic(), handler: 'hang', concurrency: 3 })
      for (let round = 0; startedBy(worker).length < 3 && round < 20; round++) {
        await ledger.publish(queue, { count: 10 })
        await kit.quiet(() => live.runs.length + worker.events.length)
      }
      const held = startedBy(worker)
      assert.equal(held.length, 3, 'runs of the worker with three slots')
      await worker.kill()
      await ledger.check({ queue, duplicates: 0, withinMs: kit.redeliveryMs })
      const attempts = live.runs.filter(({ id }) => held.includes(id)).map(({ attempt }) => attempt)
      const expected = kit.capabilities.countsCrashes ? 2 : 1
      assert.deepEqual(
        attempts,
        [expected, expected, expected],
        'the attempts of the messages that the killed process held',
      )
      assert.deepEqual(await queue.deadLetters(kit.topic(), 'g').list(), [])
    },
  },
  {
    id: 'FLT-19',
    title: 'processes that are killed one after another under load lose no message and cause no dead letter',
    promises: [4, 6],
    level: 'required',
    needs: ['worker'],
    // Each of five processes waits for the messages of the one before.
    timeoutMs: ({ redeliveryMs }) => 300_000 + 6 * redeliveryMs,
    async run(kit) {
      const queue = await kit.queue()
      const ledger = kit.ledger(kit.topic())
      await queue.declareGroup(kit.topic(), 'g')
      const load = publishSteadily(ledger, queue)
      for (const _ of range(5)) {
        const worker = await kit.worker({ topic: kit.topic(), concurrency: 4, afterMs: 5 })
        ledger.watch(worker)
        // These are more than it can have held: messages of an earlier worker are among them if they come back at once.
        const handled = () => `the worker to handle 40 messages; it has handled ${handledBy(worker)}`
        await kit.until(handled, () => handledBy(worker) >= 40, { timeoutMs: kit.redeliveryMs + healMs })
        await worker.kill()
      }
      await load.stop()
      await ledger.collect(queue)
      await ledger.check({ queue, duplicates: 5 * doubtPerFault, withinMs: kit.redeliveryMs + healMs })
      assert.deepEqual(await queue.deadLetters(kit.topic(), 'g').list(), [])
    },
  },
  {
    id: 'FLT-20',
    title: 'consumers that join and leave properly under load lose and duplicate no message',
    promises: [2, 3, 13],
    level: 'required',
    timeoutMs: 120_000,
    async run(kit) {
      const queue = await kit.queue()
      const ledger = kit.ledger(kit.topic())
      // Many run at a time, so that some do whenever a consumer joins.
      const options = { concurrency: 16, handler: () => sleep(kit.random() * 40) }
      await ledger.collect(queue, options)
      const load = publishSteadily(ledger, queue)
      for (const _ of range(3)) {
        const guest = await kit.queue()
        const collector = await ledger.collect(guest, options)
        await kit.until('the guest to have its share', () => collector.handled.length >= 10, { timeoutMs: healMs })
        await guest.disconnect()
      }
      await load.stop()
      assert.equal(ledger.rejected.size + ledger.unknown.size, 0, 'publishes that failed')
      await ledger.check({ queue, duplicates: 0, withinMs: healMs })
    },
  },
  {
    id: 'FLT-21',
    title: 'consumers that leave with unfinished handlers lose no message; only the messages they held are repeated',
    promises: [3, 4, 13],
    level: 'required',
    timeoutMs: 120_000,
    async run(kit) {
      const queue = await kit.queue()
      const ledger = kit.ledger(kit.topic())
      const gate = createGate()
      await ledger.collect(queue, { concurrency: 4, handler: () => sleep(kit.random() * 10) })
      const load = publishSteadily(ledger, queue)
      const guests: Collector[] = []
      for (const obeys of [true, false, true]) {
        const guest = await kit.queue()
        const collector = await ledger.collect(guest, {
          concurrency: 4,
          handler: async (_, { signal }) => {
            await (obeys ? aborted(signal) : gate.opened)
            if (obeys) throw signal.reason
          },
        })
        await kit.until('the guest to be busy', () => collector.running === 4, { timeoutMs: healMs })
        guests.push(collector)
        await guest.disconnect({ timeoutMs: 0 })
      }
      await load.stop()
      gate.open()
      await kit.until('every handler to end', () => guests.every(({ running }) => running === 0))
      // These are the four messages of the guest that ignored the signal.
      await ledger.check({ queue, duplicates: 4, withinMs: kit.redeliveryMs + healMs })
      assert.deepEqual(await queue.deadLetters(kit.topic(), 'g').list(), [])
    },
  },
]
