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
    title: 'a broker that is killed and restarted under load loses no acknowledged message',
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
    title: 'a broker that is killed and restarted repeatedly under load loses no acknowledged message',
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
    title: 'an idle consumer handles messages published after a broker restart, without a new subscription',
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
      await kit.until('the end of the broker to be detected', () => consumer.health().status !== 'up', {
        timeoutMs: 10_000,
      })
      await kit.faults.restart()
      await untilWell(kit, consumer)
      await publishAgain(kit, ledger, publisher, 10)
      await ledger.check({ queue: consumer, duplicates: 0, withinMs: healMs })
      before.check()
      if (kit.capabilities.durable) assert.deepEqual(losses, [], 'data-loss events of a durable broker')
    },
  },
  {
    id: 'FLT-23',
    title: 'a backlog without a consumer survives a broker restart, and each message is handled once',
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
      assert.equal(ledger.published.size, 100, 'published messages')
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
  // One group has a backlog and running handlers, the other has no consumer.
  await publisher.declareGroup(kit.topic(), 'idle')
  const before = await publishBefore(kit, ledger, publisher)
  // Messages handled while a node of a cluster is away may not be acknowledged in time. A single broker stores nothing meanwhile.
  let doubtful = 0
  for (const _ of range(times)) {
    const load = publishSteadily(ledger, publisher)
    const enough = ledger.published.size + 100
    await kit.until('some load', () => ledger.published.size >= enough)
    const stored = ledger.published.size
    await kit.faults.kill()
    await kit.faults.restart()
    doubtful += doubtPerFault + ledger.published.size - stored
    await load.stop()
    await publishAgain(kit, ledger, publisher, 20)
  }
  await ledger.check({ queue: consumer, duplicates: doubtful, withinMs: kit.redeliveryMs + healMs })
  before.check()
  // There are thousands of messages. One at a time would take too long on a disk that is slow to sync.
  const idle = await kit.collect(consumer, kit.topic(), { group: 'idle', concurrency: 100 })
  const lacking = (): readonly string[] => [...ledger.published].filter((id) => !idle.ids.includes(id))
  const what = () => `${lacking().length} messages of the group without a consumer: ${lacking().slice(0, 5).join(', ')}`
  // How fast a backlog is handled is no promise.
  await kit.until(what, () => lacking().length === 0, { timeoutMs: kit.patience * healMs })
}
