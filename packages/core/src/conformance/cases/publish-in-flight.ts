import type { Queue } from '../../index.js'
import type { ConformanceCase } from '../kit/case.js'
import { range } from '../kit/expect.js'
import { createKeyOrder } from '../kit/key-order.js'
import type { Kit } from '../kit/kit.js'
import { sleep } from '../kit/wait.js'
import { withoutOrder } from './ordering/keys.js'

/** The time in which an adapter hands a publish to its connection. Nothing outside shows when it has. */
const handOverMs = 200

/** Tests publishes that leave the process and do not reach the broker. */
export const publishInFlight: readonly ConformanceCase[] = [
  {
    id: 'PUB-19',
    title: 'a publish that is lost on its way to the broker is sent again, or not reported as stored',
    promises: [1, 10],
    level: 'required',
    needs: ['freeze', 'cut', 'heal'],
    alone: true,
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue({ publishTimeoutMs: 20_000 })
      const ledger = kit.ledger(kit.topic())
      await queue.declareGroup(kit.topic(), 'g')
      await ledger.publish(queue, { count: 1 })
      await loseOnTheWay(kit, () => ledger.publish(queue, { count: 20 }))
      const later = await kit.queue()
      await ledger.collect(later)
      await ledger.check({ queue: later, duplicates: 20 })
    },
  },
  {
    id: 'PUB-20',
    title: 'messages of one key that are published at once keep their order, also if some are lost on the way at first',
    promises: [10, 16],
    level: 'capability',
    unless: withoutOrder,
    needs: ['freeze', 'cut', 'heal'],
    alone: true,
    timeoutMs: 60_000,
    async run(kit) {
      const [queue, order] = [await kit.queue({ publishTimeoutMs: 20_000 }), createKeyOrder()]
      await queue.declareGroup(kit.topic(), 'g')
      await queue.publish(kit.topic(), { index: 0 }, { key: 'k' })
      await loseOnTheWay(kit, async () => {
        const first = publishAtOnce(kit, queue, { from: 1, to: 20 })
        await sleep(handOverMs)
        await Promise.all([first, publishAtOnce(kit, queue, { from: 20, to: 40 })])
      })
      await kit.collect(queue, kit.topic(), { ordered: true, handler: order.handler() })
      await kit.until('all messages', () => order.total >= 40, { timeoutMs: kit.redeliveryMs + 15_000 })
      order.check(['k'], 40)
    },
  },
]

/** Publishes while nothing reaches the broker, then cuts the connection, so that what was sent is lost. Waits for the publishes. */
async function loseOnTheWay(kit: Kit, publish: () => Promise<unknown>): Promise<void> {
  await kit.faults.freeze('in')
  const publishing = publish()
  // A failure is thrown below. Until then the rejection must not count as unhandled.
  publishing.catch(() => {})
  await sleep(2 * handOverMs)
  await kit.faults.cut()
  await kit.faults.heal()
  await publishing
}

async function publishAtOnce(
  kit: Kit,
  queue: Queue,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  const numbers = range(to).slice(from)
  await Promise.all(numbers.map((index) => queue.publish(kit.topic(), { index }, { key: 'k' })))
}
