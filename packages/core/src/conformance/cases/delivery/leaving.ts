import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { healMs } from '../../kit/load.js'
import { aborted } from '../../kit/wait.js'

/** Tests what a consumer that leaves takes with it. */
export const deliveryLeaving: readonly ConformanceCase[] = [
  {
    id: 'DEL-16',
    title: 'messages acknowledged while an earlier one was still running do not run again when their consumer leaves',
    promises: [3, 4],
    level: 'required',
    timeoutMs: 120_000,
    async run(kit) {
      const [queue, leaving] = [await kit.queue(), await kit.queue()]
      const ledger = kit.ledger(kit.topic())
      const stuck = await ledger.collect(leaving, {
        concurrency: 4,
        handler: async ({ id }, { signal }) => {
          if (id === 'm-0') await aborted(signal)
          signal.throwIfAborted()
        },
      })
      // A key keeps them together in a broker that divides topics.
      const key = (): string => 'k'
      await ledger.publish(queue, { count: 1, key })
      await kit.until('the first message to run', () => stuck.running === 1)
      await ledger.publish(queue, { count: 60, key })
      await kit.until('the others to be handled', () => ledger.handled().size === 60)
      await leaving.disconnect({ timeoutMs: 0 })
      const later = await ledger.collect(queue)
      await kit.until('the first message to run again', () => later.ids.includes('m-0'), {
        timeoutMs: kit.redeliveryMs + healMs,
      })
      await kit.quiet(() => later.runs.length)
      assert.deepEqual(later.ids, ['m-0'])
    },
  },
]
