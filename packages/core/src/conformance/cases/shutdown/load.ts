import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { range } from '../../kit/expect.js'
import { publishSteadily } from '../../kit/load.js'
import { createGate, sleep } from '../../kit/wait.js'

export const stoppingUnderLoad: readonly ConformanceCase[] = [
  {
    id: 'SHD-7',
    title: 'while subscriptions start and stop under load, no message is lost or delivered twice',
    promises: [2, 3, 13],
    level: 'required',
    timeoutMs: 90_000,
    async run(kit) {
      const publisher = await kit.queue()
      const ledger = kit.ledger(kit.topic())
      await publisher.declareGroup(kit.topic(), 'g')
      const load = publishSteadily(ledger, publisher)
      const handler = (): Promise<void> => sleep(kit.random() * 20)
      const queue = await kit.queue()
      for (const leaves of ['stop', 'stop', 'disconnect']) {
        const consumer = leaves === 'stop' ? queue : await kit.queue()
        const collector = await ledger.collect(consumer, { concurrency: 8, handler })
        await kit.until('some messages to be handled', () => collector.runs.length >= 40)
        await (leaves === 'stop' ? collector.subscription.stop() : consumer.disconnect())
        assert.equal(collector.running, 0, 'running handlers')
      }
      await load.stop()
      assert.equal(ledger.rejected.size + ledger.unknown.size, 0, 'publishes that failed')
      await ledger.collect(queue, { handler })
      await ledger.check({ queue, duplicates: 0 })
    },
  },
  {
    id: 'SHD-16',
    title: 'a message on its way to a consumer at the moment it stops is neither lost nor delivered twice',
    promises: [2, 13],
    level: 'required',
    timeoutMs: 120_000,
    async run(kit) {
      const [publisher, queue] = [await kit.queue(), await kit.queue()]
      const ledger = kit.ledger(kit.topic())
      for (const round of range(8)) {
        // Every second time it has to wait for a handler.
        const isBusy = round % 2 === 0
        const gate = createGate()
        const collector = await ledger.collect(queue, {
          concurrency: 200,
          handler: () => (isBusy ? gate.opened : undefined),
        })
        if (isBusy) {
          await ledger.publish(publisher, { count: 1 })
          await kit.until('a handler to run', () => collector.runs.length > 0)
        }
        const publishing = range(40).map(() => ledger.publish(publisher, { count: 1 }))
        await publishing[Math.floor(kit.random() * publishing.length)]
        const stopping = collector.subscription.stop()
        await Promise.all(publishing)
        gate.open()
        await stopping
      }
      await ledger.collect(queue)
      await ledger.check({ queue, duplicates: 0 })
      assert.equal(ledger.published.size, 324, 'published messages')
    },
  },
]
