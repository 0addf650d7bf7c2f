import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { range } from '../../kit/expect.js'
import type { Kit } from '../../kit/kit.js'
import {
  doubtPerFault,
  healMs,
  publishAgain,
  publishBefore,
  publishSteadily,
  slower,
  untilWell,
} from '../../kit/load.js'

const forgets = ({ durable }: Kit['capabilities']): string | undefined =>
  durable ? undefined : 'its broker keeps nothing across a restart'

export const brokerFaults: readonly ConformanceCase[] = [
  {
    id: 'FLT-1',
    title: 'a broker that is killed and restarted under load loses nothing that it acknowledged',
    promises: [1, 2, 4, 10],
    level: 'required',
    needs: ['kill', 'restart'],
    unless: forgets,
    alone: true,
    timeoutMs: 180_000,
    run: (kit) => killUnderLoad(kit, 1),
  },
  {
    id: 'FLT-2',
    title: 'a broker that is killed and restarted again and again under load loses nothing that it acknowledged',
    promises: [1, 2, 4, 10],
    level: 'required',
    needs: ['kill', 'restart'],
    unless: forgets,
    alone: true,
    long: true,
    timeoutMs: 600_000,
    run: (kit) => killUnderLoad(kit, 5),
  },
  {
    id: 'FLT-3',
    title: 'an idle consumer handles what is published after its broker was restarted, without a new subscription',
    promises: [2, 10],
    level: 'required',
    needs: ['kill', 'restart'],
    alone: true,
    timeoutMs: 120_000,
    async run(kit) {
      const [publisher, consumer] = [await kit.queue(), await kit.queue()]
      const ledger = kit.ledger(kit.topic())
      await ledger.collect(consumer)
      const losses: unknown[] = []
      consumer.on('data-loss', (event) => losses.push(event))
      const before = await publishBefore(kit, ledger, publisher)
      await kit.faults.kill()
      await kit.until('the end to be noticed', () => consumer.health().status !== 'up', { timeoutMs: 10_000 })
      await kit.faults.restart()
      await untilWell(kit, consumer)
      await publishAgain(kit, ledger, publisher, 10)
      await ledger.check({ queue: consumer, duplicates: 0, withinMs: healMs })
      before.check()
      if (kit.capabilities.durable) assert.deepEqual(losses, [], 'a loss was reported, though nothing can be lost')
    },
  },
  {
    id: 'FLT-23',
    title: 'a backlog that waits for its consumer survives a restart of the broker, each message once',
    promises: [1, 2],
    level: 'required',
    needs: ['kill', 'restart'],
    unless: forgets,
    alone: true,
    timeoutMs: 120_000,
    async run(kit) {
      const publisher = await kit.queue()
      const ledger = kit.ledger(kit.topic())
      await publisher.declareGroup(kit.topic(), 'g')
      await ledger.publish(publisher, { count: 100 })
      assert.equal(ledger.published.size, 100)
      await publisher.disconnect()
      await kit.faults.kill()
      await kit.faults.restart()
      const consumer = await kit.queue()
      await ledger.collect(consumer)
      await ledger.check({ queue: consumer, duplicates: 0, withinMs: healMs })
    },
  },
]

async function killUnderLoad(kit: Kit, times: number): Promise<void> {
  const [publisher, consumer] = [await kit.queue(), await kit.queue()]
  const ledger = kit.ledger(kit.topic())
  await ledger.collect(consumer, slower(kit))
  // One group has a backlog and messages in hand, the other no consumer at all.
  await publisher.declareGroup(kit.topic(), 'idle')
  const before = await publishBefore(kit, ledger, publisher)
  for (const _ of range(times)) {
    const load = publishSteadily(ledger, publisher)
    const enough = ledger.published.size + 100
    await kit.until('some load', () => ledger.published.size >= enough)
    await kit.faults.kill()
    await kit.faults.restart()
    await load.stop()
    await publishAgain(kit, ledger, publisher, 20)
  }
  await ledger.check({ queue: consumer, duplicates: times * doubtPerFault, withinMs: kit.redeliveryMs + healMs })
  before.check()
  // Thousands by now: one by one, a disk that is slow to sync would take longer for the answers than is waited for.
  const idle = await kit.collect(consumer, kit.topic(), { group: 'idle', concurrency: 100 })
  const lacking = (): readonly string[] => [...ledger.published].filter((id) => !idle.ids.includes(id))
  const what = () => `${lacking().length} messages of the group without a consumer: ${lacking().slice(0, 5).join(', ')}`
  await kit.until(what, () => lacking().length === 0, { timeoutMs: healMs })
}
