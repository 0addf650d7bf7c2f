import type { ConformanceCase } from '../../kit/case.js'
import { reasonOf } from '../../kit/failure-text.js'
import type { Kit } from '../../kit/kit.js'
import { doubtPerFault, healMs, publishAgain, publishSteadily, slower, untilWell } from '../../kit/load.js'
import { sleep } from '../../kit/wait.js'
import type { Worker } from '../../subject.js'

const soakMs = 60_000

export const soakFaults: readonly ConformanceCase[] = [
  {
    id: 'FLT-22',
    title: 'a minute of random faults of every kind loses no message',
    promises: [1, 2, 4, 10],
    level: 'required',
    needs: ['cut', 'refuse', 'freeze', 'kill', 'restart', 'heal', 'worker'],
    unless: ({ durable }) => (durable ? undefined : 'its broker keeps nothing across a restart'),
    alone: true,
    long: true,
    timeoutMs: 600_000,
    async run(kit) {
      const [publisher, consumer] = [await kit.queue(), await kit.queue()]
      const ledger = kit.ledger(kit.topic())
      await ledger.collect(consumer, slower(kit))
      const load = publishSteadily(ledger, publisher, { pauseMs: 25 })
      const worker = workerAmong(kit, (one) => ledger.watch(one))
      const done: string[] = []
      try {
        const endsAt = performance.now() + soakMs
        while (performance.now() < endsAt) {
          const [name, fault] = pick(kit, faultsOf(kit))
          done.push(name)
          await fault()
          if (kit.random() < 0.3) {
            done.push('worker')
            await worker.replace()
          }
          await sleep(kit.random() * 3_000)
        }
        await load.stop()
        await worker.end()
        await untilWell(kit, consumer)
        await publishAgain(kit, ledger, publisher, 20)
        const duplicates = done.length * doubtPerFault
        await ledger.check({ queue: consumer, duplicates, withinMs: kit.redeliveryMs + healMs })
      } catch (error) {
        const where = `after ${done.join(', ')}; seed ${kit.seed}`
        throw new Error(`${reasonOf(error as Error)} (${where})`, { cause: error })
      }
    },
  },
]

type Fault = readonly [name: string, work: () => Promise<void>]

/** Returns the faults. Each ends by itself. */
function faultsOf(kit: Kit): readonly Fault[] {
  const { faults } = kit
  const temporarily = (maxMs: number, begin: () => Promise<void>) => async (): Promise<void> => {
    await begin()
    await sleep(kit.random() * maxMs)
    await faults.heal()
  }
  return [
    ['cut', () => faults.cut()],
    ['freeze in', temporarily(4_000, () => faults.freeze('in'))],
    ['freeze out', temporarily(4_000, () => faults.freeze('out'))],
    ['freeze both', temporarily(4_000, () => faults.freeze('both'))],
    ['refuse', temporarily(3_000, () => faults.refuse().then(() => faults.cut()))],
    ['kill', () => faults.kill().then(() => faults.restart())],
  ]
}

const pick = <T>(kit: Kit, values: readonly T[]): T => values[Math.floor(kit.random() * values.length)] as T

/**
 * Manages a process that shares the load, and is killed and replaced. It may fail to start while the broker is away.
 */
function workerAmong(kit: Kit, started: (worker: Worker) => void) {
  let current: Worker | undefined
  const end = async (): Promise<void> => {
    await current?.kill()
    current = undefined
  }
  return {
    end,
    async replace(): Promise<void> {
      await end()
      current = await kit.worker({ topic: kit.topic(), concurrency: 4, afterMs: 5 }).catch(() => undefined)
      if (current !== undefined) started(current)
    },
  }
}
