import type { ConformanceCase } from '../case.js'
import { range } from '../expect.js'
import type { Kit } from '../kit.js'
import { doubtPerFault, healMs, publishAgain, publishBefore, publishSteadily, untilWell } from '../load.js'
import { sleep } from '../wait.js'

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
      const before = await publishBefore(kit, ledger, publisher)
      await kit.faults.kill()
      await kit.until('the end to be noticed', () => consumer.health().status !== 'up', { timeoutMs: 10_000 })
      await kit.faults.restart()
      await untilWell(kit, consumer)
      await publishAgain(kit, ledger, publisher, 10)
      await ledger.check({ queue: consumer, duplicates: 0, withinMs: healMs })
      before.check()
    },
  },
]

async function killUnderLoad(kit: Kit, times: number): Promise<void> {
  const [publisher, consumer] = [await kit.queue(), await kit.queue()]
  const ledger = kit.ledger(kit.topic())
  await ledger.collect(consumer, { handler: () => sleep(kit.random() * 10) })
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
}
