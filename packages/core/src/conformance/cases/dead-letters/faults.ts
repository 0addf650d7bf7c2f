import assert from 'node:assert/strict'
import { Unrecoverable } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { idsOf, inOneOrder } from '../../kit/dead-group.js'
import { sorted } from '../../kit/expect.js'
import { healMs } from '../../kit/load.js'
import { sleep } from '../../kit/wait.js'
import { listed, manyDead } from './many-dead.js'

/** Tests dead letters while the broker or its link is disturbed. */
export const deadLetterFaults: readonly ConformanceCase[] = [
  {
    id: 'DLQ-17',
    title: 'messages that become dead letters while the connection is lost are not lost',
    promises: [4, 6, 10],
    level: 'required',
    needs: ['cut'],
    alone: true,
    timeoutMs: 90_000,
    async run(kit) {
      const queue = await kit.queue()
      const publisher = await kit.queue()
      const ledger = kit.ledger(kit.topic())
      const collector = await ledger.collect(queue, {
        concurrency: 20,
        handler: async () => {
          await sleep(10)
          throw new Unrecoverable('hopeless')
        },
      })
      const publishing = ledger.publish(publisher, { count: 300 })
      for (const runs of [50, 150]) {
        await kit.until(`${runs} runs`, () => collector.runs.length >= runs, { timeoutMs: 30_000 })
        await kit.faults.cut()
      }
      await publishing
      const letters = publisher.deadLetters(kit.topic())
      const missing = async (): Promise<readonly string[]> => {
        const found = new Set(idsOf(await listed(letters)))
        return [...ledger.published].filter((id) => !found.has(id))
      }
      let left: readonly string[] = []
      await kit.until(
        () => `${left.length} dead letters: ${left.slice(0, 5).join(', ')}`,
        async () => {
          left = await missing()
          return left.length === 0
        },
        { timeoutMs: kit.redeliveryMs + 30_000 },
      )
      assert.equal(collector.handled.length, 0, 'handled messages')
    },
  },
  {
    id: 'DLQ-18',
    title: 'dead letters survive a broker restart and can be replayed after it',
    promises: [6],
    level: 'capability',
    unless: ({ durable }) => (durable ? undefined : 'it does not survive a restart of its broker'),
    needs: ['kill', 'restart'],
    alone: true,
    timeoutMs: 180_000,
    async run(kit) {
      const { letters, ledger, published } = await manyDead(kit, 30)
      const before = await letters.list()
      await kit.faults.kill()
      await kit.faults.restart()
      const later = await kit.queue()
      const after = later.deadLetters(kit.topic())
      assert.deepEqual(inOneOrder(await after.list()), inOneOrder(before))
      await ledger.collect(later, { group: 'g' })
      assert.deepEqual(await after.replay(), { replayed: 30 })
      await kit.until('the replays to be handled', () => ledger.handled().size >= 30, { timeoutMs: healMs })
      await ledger.check({ queue: later, duplicates: 0 })
      assert.deepEqual(sorted(ledger.handled().keys()), sorted(published))
      assert.deepEqual(await after.list(), [])
    },
  },
]
