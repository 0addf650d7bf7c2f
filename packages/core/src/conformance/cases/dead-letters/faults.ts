import assert from 'node:assert/strict'
import { type DeadLetters, isMqError, Unrecoverable } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { idsOf, inOneOrder } from '../../kit/dead-group.js'
import { sorted } from '../../kit/expect.js'
import type { Kit } from '../../kit/kit.js'
import { healMs } from '../../kit/load.js'
import { sleep } from '../../kit/wait.js'

/** Tests dead letters and replays while the broker or its link is disturbed. */
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
  {
    id: 'DLQ-19',
    title: 'a replay interrupted by a lost connection loses nothing: each entry is handled or still dead',
    promises: [6, 10],
    level: 'required',
    needs: ['cut'],
    alone: true,
    timeoutMs: 120_000,
    async run(kit) {
      const { ledger } = await manyDead(kit, 100)
      const queue = await kit.queue({ operationTimeoutMs: 15_000 })
      await ledger.collect(queue)
      const letters = queue.deadLetters(kit.topic())
      for (const afterMs of [0, 3, 10, 30]) {
        const replaying = letters
          .replay()
          .catch((error) => assert.ok(isMqError(error), `replay rejected with ${String(error)}`))
        await sleep(afterMs + Math.floor(kit.random() * 5))
        await kit.faults.cut()
        await replaying
      }
      const isEmpty = async (): Promise<boolean> => {
        const dead = await listed(letters)
        if (dead.length > 0)
          await letters.replay().catch((error) => assert.ok(isMqError(error), `replay rejected with ${String(error)}`))
        return dead.length === 0 && ledger.handled().size >= 100
      }
      const what = (): string => `100 messages to be handled; ${ledger.handled().size} are`
      await kit.until(what, isEmpty, { timeoutMs: kit.redeliveryMs + 30_000 })
      // An entry is copied, then removed. If a cut comes between the two, the entry is replayed again.
      await ledger.check({ queue, duplicates: 400 })
    },
  },
  {
    id: 'DLQ-24',
    title: 'a replay whose process dies before it has finished loses nothing: each entry is handled or still dead',
    promises: [6],
    level: 'required',
    needs: ['link'],
    timeoutMs: 180_000,
    async run(kit) {
      const { ledger } = await manyDead(kit, 120)
      const [live, link] = [await kit.queue(), await kit.link()]
      await ledger.collect(live, { concurrency: 50 })
      const letters = live.deadLetters(kit.topic())
      // The first process dies at once. Each later one has replayed more when it dies.
      for (const progress of [0, 1, 5, 15, 30]) {
        const dying = await kit.queue({ adapter: link.options })
        const before = ledger.handled().size
        let isOver = false
        const replaying = dying
          .deadLetters(kit.topic())
          .replay()
          .catch(() => undefined)
          .finally(() => {
            isOver = true
          })
        await kit.until('some replays to be handled', () => isOver || ledger.handled().size >= before + progress)
        await link.refuse()
        await link.cut()
        await dying.disconnect({ timeoutMs: 0 })
        await replaying
        await link.heal()
      }
      const isEmpty = async (): Promise<boolean> => {
        await letters.replay()
        return ledger.handled().size >= 120
      }
      const what = (): string => `120 messages to be handled; ${ledger.handled().size} were`
      await kit.until(what, isEmpty, { timeoutMs: kit.redeliveryMs + 30_000 })
      // An entry that was copied and not yet removed is replayed again.
      await ledger.check({ queue: live, duplicates: 5 * 120 })
    },
  },
]

/** Lists the dead letters. The list is empty while the connection recovers, because the call rejects. */
async function listed(letters: DeadLetters) {
  try {
    return await letters.list({ limit: 10_000 })
  } catch (error) {
    if (isMqError(error)) return []
    throw error
  }
}

/** Creates dead letters from the messages of a ledger, and leaves no consumer. */
async function manyDead(kit: Kit, count: number) {
  const queue = await kit.queue()
  const ledger = kit.ledger(kit.topic())
  const hopeless = await kit.collect(queue, kit.topic(), {
    concurrency: 50,
    handler: () => {
      throw new Unrecoverable('hopeless')
    },
  })
  await ledger.publish(queue, { count })
  const letters = queue.deadLetters(kit.topic())
  await kit.until('all to be dead', async () => (await listed(letters)).length >= count, { timeoutMs: 20_000 })
  await hopeless.subscription.stop()
  return { letters, ledger, published: [...ledger.published] }
}
