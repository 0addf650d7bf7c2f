import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { range } from '../../kit/expect.js'
import { healMs } from '../../kit/load.js'
import { attemptsOf, patience, runsOf, withoutDelays } from '../../kit/timing.js'

/** Tests what a failing message disturbs, and what disturbs it. */
export const retryIsolation: readonly ConformanceCase[] = [
  {
    id: 'RET-12',
    title: 'messages that wait for their retry hold up no others, even if there are as many as slots',
    promises: [5, 8],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const ledger = kit.ledger(kit.topic())
      const collector = await ledger.collect(queue, {
        concurrency: 2,
        retry: { delayMs: 50_000 },
        handler: ({ headers }) => {
          if (headers.fails === 'yes') throw new Error('wait')
        },
      })
      for (const id of ['a', 'b', 'c']) await queue.publish(kit.topic(), 1, { id, headers: { fails: 'yes' } })
      await kit.until('the failing messages to run', () => collector.runs.length >= 3)
      await ledger.publish(queue, { count: 500, parallel: 50 })
      await ledger.check({ queue, duplicates: 0, withinMs: 30_000 })
    },
  },
  {
    id: 'RET-13',
    title: 'a message that fails in one group runs once in each other group',
    promises: [3, 5],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const failing = await kit.collect(queue, kit.topic(), {
        group: 'failing',
        handler: ({ attempt }) => {
          if (attempt < 3) throw new Error('twice')
        },
      })
      const others = await Promise.all(
        ['g', 'failing-too', 'fail'].map((group) => kit.collect(queue, kit.topic(), { group })),
      )
      const ids = range(5).map((number) => `m-${number}`)
      for (const id of ids) await queue.publish(kit.topic(), id, { id })
      await kit.until('the third attempts', () => failing.handled.length >= 5, patience(kit, 100, 2))
      const count = (): number => others.reduce((sum, { runs }) => sum + runs.length, failing.runs.length)
      await kit.quiet(count)
      for (const id of ids) {
        assert.deepEqual(attemptsOf(failing.runs, id), [1, 2, 3])
        for (const { runs } of others) assert.deepEqual(attemptsOf(runs, id), [1])
      }
    },
  },
  {
    id: 'RET-14',
    title: 'retries interrupted by a lost connection are not lost, and no message is dead before its last attempt',
    promises: [4, 5, 10],
    level: 'required',
    needs: ['cut'],
    alone: true,
    timeoutMs: 90_000,
    async run(kit) {
      const queue = await kit.queue()
      const ledger = kit.ledger(kit.topic())
      const collector = await ledger.collect(queue, {
        concurrency: 20,
        retry: { attempts: 20, delayMs: 100 },
        handler: ({ attempt }) => {
          if (attempt < 3) throw new Error('twice')
        },
      })
      const publisher = await kit.queue()
      await ledger.publish(publisher, { count: 200 })
      for (const runs of [50, 250]) {
        await kit.until(`${runs} runs`, () => collector.runs.length >= runs, { timeoutMs: 30_000 })
        await kit.faults.cut()
      }
      // Handled messages without an acknowledgement are repeated. On a log, so are all later ones.
      await ledger.check({ queue: publisher, duplicates: 200, withinMs: kit.redeliveryMs + 30_000 })
      assert.deepEqual(await publisher.deadLetters(kit.topic()).list(), [])
    },
  },
  {
    id: 'RET-15',
    title: 'messages that wait for their retry survive a broker restart, with their attempts and their delay',
    promises: [5, 7],
    level: 'capability',
    unless: (capabilities) =>
      capabilities.durable ? withoutDelays(capabilities) : 'it does not survive a restart of its broker',
    needs: ['kill', 'restart'],
    alone: true,
    timeoutMs: 180_000,
    async run(kit) {
      const queue = await kit.queue()
      const ledger = kit.ledger(kit.topic())
      const delayMs = 3_000
      const collector = await ledger.collect(queue, {
        concurrency: 50,
        retry: { attempts: 100, delayMs },
        handler: () => {
          throw new Error('before the restart')
        },
      })
      await ledger.publish(queue, { count: 50 })
      await kit.until('the first runs', () => attemptsOf(collector.runs).filter((one) => one === 1).length >= 50)
      await queue.disconnect()
      await kit.faults.kill()
      await kit.faults.restart()
      const later = await kit.queue()
      const again = await ledger.collect(later)
      await ledger.check({ queue: later, duplicates: 0, withinMs: delayMs + healMs })
      for (const { id, attempt, startedAt } of again.runs) {
        const before = runsOf(collector.runs, id)
        assert.equal(attempt, before.length + 1)
        const waitedMs = startedAt - (before.at(-1)?.endedAt ?? Number.NaN)
        assert.ok(waitedMs >= delayMs, `${id} was retried after ${waitedMs} ms, not after ${delayMs} ms`)
      }
    },
  },
]
