import assert from 'node:assert/strict'
import { isMqError } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { sleep } from '../../kit/wait.js'
import { listed, manyDead } from './many-dead.js'

/** Tests replays that do not get to their end. */
export const interruptedReplays: readonly ConformanceCase[] = [
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
  {
    id: 'DLQ-26',
    title: 'a replay while the broker accepts no messages loses nothing: each entry is still dead, or is handled later',
    promises: [6],
    level: 'optional',
    needs: ['block', 'heal'],
    alone: true,
    timeoutMs: 90_000,
    async run(kit) {
      const { ledger } = await manyDead(kit, 20)
      const dying = await kit.queue({ operationTimeoutMs: 1_500 })
      await kit.faults.block()
      await dying
        .deadLetters(kit.topic())
        .replay()
        .catch((error) => assert.ok(isMqError(error), `replay rejected with ${String(error)}`))
      await dying.disconnect({ timeoutMs: 0 })
      await kit.faults.heal()
      const queue = await kit.queue()
      await ledger.collect(queue)
      const letters = queue.deadLetters(kit.topic())
      const isEmpty = async (): Promise<boolean> => {
        if ((await listed(letters)).length > 0) await letters.replay()
        return ledger.handled().size >= 20
      }
      const what = (): string => `20 messages to be handled; ${ledger.handled().size} are`
      await kit.until(what, isEmpty, { timeoutMs: kit.redeliveryMs + 15_000 })
      await ledger.check({ queue, duplicates: 20 })
    },
  },
]
