import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { untilDead } from '../../kit/dead-group.js'
import { range } from '../../kit/expect.js'
import type { Kit } from '../../kit/kit.js'
import type { WorkerEvent } from '../../subject.js'

/** Tests messages that kill the process of their handler. */
export const retryCrashes: readonly ConformanceCase[] = [
  {
    id: 'RET-16',
    title:
      'a message that kills its process runs as often as the policy says, then it is a dead letter with the reason crashed',
    promises: [4, 6],
    level: 'capability',
    unless: ({ countsCrashes }) => (countsCrashes ? undefined : 'it does not count crashes'),
    needs: ['worker'],
    timeoutMs: 180_000,
    async run(kit) {
      const queue = await kit.queue()
      const topic = kit.topic()
      const ledger = kit.ledger(topic)
      await queue.declareGroup(topic, 'g')
      await queue.publish(topic, { kills: 'its process' }, { id: 'poison', headers: { kept: 'yes' } })
      const attempts: unknown[] = []
      for (const _ of range(3))
        attempts.push(...(await crash(kit, { topic, attempts: 3 })).map(({ attempt }) => attempt))
      assert.deepEqual(attempts, [1, 2, 3])
      const collector = await ledger.collect(queue, { retry: { attempts: 3 } })
      const [dead, ...others] = await untilDead(kit, queue, { topic, count: 1, timeoutMs: kit.redeliveryMs + 15_000 })
      await ledger.publish(queue, { count: 5 })
      await ledger.check({ queue, duplicates: 0 })
      assert.deepEqual(others, [])
      assert.equal(collector.runs.length, 5, 'runs of the five harmless messages')
      assert.deepEqual({ id: dead?.message.id, data: dead?.data }, { id: 'poison', data: { kills: 'its process' } })
      assert.deepEqual({ ...dead?.message.headers }, { kept: 'yes' })
      assert.deepEqual(
        { reason: dead?.failure.reason, attempts: dead?.failure.attempts },
        { reason: 'crashed', attempts: 3 },
      )
    },
  },
  {
    id: 'RET-17',
    title:
      'without countsCrashes, a message that killed its process is delivered again, and no message is dead because of it',
    promises: [4],
    level: 'capability',
    unless: ({ countsCrashes }) => (countsCrashes ? 'it counts crashes' : undefined),
    needs: ['worker'],
    // Each of three processes waits for the messages of the one before.
    timeoutMs: ({ redeliveryMs }) => 180_000 + 4 * redeliveryMs,
    async run(kit) {
      const queue = await kit.queue()
      const topic = kit.topic()
      const ledger = kit.ledger(topic)
      await queue.declareGroup(topic, 'g')
      await ledger.publish(queue, { count: 6 })
      for (const _ of range(3)) {
        const started = await crash(kit, { topic, attempts: 2, concurrency: 6 })
        assert.ok(started.length > 0, 'the process ended before it got a message')
      }
      await ledger.collect(queue, { retry: { attempts: 2 } })
      await ledger.check({ queue, duplicates: 0, withinMs: kit.redeliveryMs + 15_000 })
      assert.deepEqual(await queue.deadLetters(topic).list(), [])
    },
  },
]

/** Starts a consumer whose first run ends its process. Resolves with the started runs. */
async function crash(
  kit: Kit,
  program: { readonly topic: string; readonly attempts: number; readonly concurrency?: number },
): Promise<readonly WorkerEvent[]> {
  const worker = await kit.worker({ ...program, handler: 'crash', afterMs: 200 })
  let isGone = false
  void worker.exited.then(() => {
    isGone = true
  })
  await kit.until('the message to end its process', () => isGone, { timeoutMs: kit.redeliveryMs + 15_000 })
  return worker.events.filter(({ type }) => type === 'started')
}
