import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import type { Kit } from '../../kit/kit.js'
import { healMs } from '../../kit/load.js'
import { createGate, sleep } from '../../kit/wait.js'
import type { Link, Worker, WorkerEvent, WorkerProgram } from '../../subject.js'

const timeoutMs = ({ redeliveryMs }: { readonly redeliveryMs: number }): number => 120_000 + 3 * redeliveryMs

/** Tests a consumer whose own link is disturbed, while the broker and the other consumers of its group are well. */
export const ownLinkFaults: readonly ConformanceCase[] = [
  {
    id: 'FLT-28',
    title: 'a handler whose link falls silent learns that it has lost its message when another consumer may run it',
    promises: [3, 4],
    level: 'required',
    needs: ['worker', 'link'],
    timeoutMs,
    run: (kit) => loseLink(kit, (link) => link.freeze('both')),
  },
  {
    id: 'FLT-29',
    title: 'a handler whose link is gone learns that it has lost its message when another consumer may run it',
    promises: [3, 4],
    level: 'required',
    needs: ['worker', 'link'],
    timeoutMs,
    async run(kit) {
      await loseLink(kit, async (link) => {
        await link.refuse()
        await link.cut()
      })
    },
  },
  {
    id: 'FLT-30',
    title:
      'a process that dies before its retry is confirmed loses no message: it runs again, with the attempt counted',
    promises: [4, 5],
    level: 'required',
    needs: ['worker', 'link'],
    timeoutMs,
    run: (kit) => dieUnconfirmed(kit, { attempts: 3 }),
  },
  {
    id: 'FLT-31',
    title: 'a process that dies before its dead letter is confirmed loses no message: it runs again or is dead',
    promises: [4, 6],
    level: 'required',
    needs: ['worker', 'link'],
    timeoutMs,
    run: (kit) => dieUnconfirmed(kit, { attempts: 1 }),
  },
  {
    id: 'FLT-32',
    title: 'a process that dies while its broker accepts no messages loses none whose handler has failed',
    promises: [4, 5, 6],
    level: 'optional',
    needs: ['worker', 'block', 'heal'],
    alone: true,
    timeoutMs,
    async run(kit) {
      const queue = await kit.queue()
      const [retried, dead] = [kit.topic('retried'), kit.topic('dead')]
      // A broker may need some seconds to begin to refuse messages.
      const afterMs = 5_000
      const failing = await Promise.all([
        startFailing(kit, queue, { topic: retried, attempts: 3, afterMs }),
        startFailing(kit, queue, { topic: dead, attempts: 1, afterMs }),
      ])
      await kit.faults.block()
      await sleep(afterMs + settlesWithinMs)
      await Promise.all(failing.map((worker) => worker.kill()))
      // The broker learns of the end of their connections.
      await sleep(kit.quietMs)
      await kit.faults.heal()
      await Promise.all([retried, dead].map((topic) => untilSafe(kit, topic)))
    },
  },
]

/** The time that a handler may take to learn of its loss after another consumer has started, beyond a tenth of the lease. */
const graceMs = 1_000

/** Takes the link away from a process in the middle of its handler, and measures when each side knows. */
async function loseLink(kit: Kit, disturb: (link: Link) => Promise<void>): Promise<void> {
  const [queue, topic, gate] = [await kit.queue(), kit.topic(), createGate()]
  const ledger = kit.ledger(topic)
  await queue.declareGroup(topic, 'g')
  const link = await kit.link()
  const worker = await kit.worker({ topic, handler: 'hang', options: link.options })
  await ledger.publish(queue, { count: 1 })
  await kit.until('the process to run the message', () => count(worker, 'started') > 0, { timeoutMs: healMs })
  const next = await ledger.collect(queue, { handler: () => gate.opened })
  await disturb(link)
  await kit.until('another consumer to run the message', () => next.running === 1, { timeoutMs: kit.redeliveryMs })
  const overlapMs = Math.max(graceMs, kit.capabilities.redeliveryMs / 10)
  const isTold = (): boolean => count(worker, 'aborted') > 0
  await kit.until('the signal of the first handler to abort', isTold, { timeoutMs: overlapMs })
  gate.open()
  await ledger.check({ queue, duplicates: 0 })
  assert.equal(count(worker, 'started'), 1, 'runs of the process without a link')
}

/** Leaves time to freeze the link of a process before its handler fails, which has to be before the loss of the link is noticed. */
const failsAfterMs = ({ capabilities }: Kit): number => Math.min(1_000, capabilities.redeliveryMs / 5)
/** The time in which a retry or a dead letter is on its way to the broker. */
const settlesWithinMs = 1_000

/** Starts a process whose handler runs a message and will fail. */
async function startFailing(
  kit: Kit,
  queue: Awaited<ReturnType<Kit['queue']>>,
  program: Partial<WorkerProgram> & { readonly topic: string },
): Promise<Worker> {
  await queue.declareGroup(program.topic, 'g')
  const worker = await kit.worker({ handler: 'fail', afterMs: failsAfterMs(kit), ...program })
  await queue.publish(program.topic, 1, { id: 'm' })
  await kit.until('the process to run the message', () => count(worker, 'started') > 0, { timeoutMs: healMs })
  return worker
}

/** Kills a process that has sent off its retry or dead letter and gets no answer any more. */
async function dieUnconfirmed(kit: Kit, { attempts }: { readonly attempts: number }): Promise<void> {
  const link = await kit.link()
  const program = { topic: kit.topic(), attempts, options: link.options }
  const worker = await startFailing(kit, await kit.queue(), program)
  await link.freeze('out')
  await sleep(failsAfterMs(kit) + settlesWithinMs)
  await worker.kill()
  await untilSafe(kit, kit.topic())
}

/** Waits until a message of a killed process has run again with its first attempt counted, or is a dead letter. */
async function untilSafe(kit: Kit, topic: string): Promise<void> {
  const queue = await kit.queue()
  const collector = await kit.collect(queue, topic, { retry: { attempts: 10 } })
  const isSafe = async (): Promise<boolean> =>
    collector.handled.length > 0 || (await queue.deadLetters(topic).list()).length > 0
  await kit.until('the message to run again or to be dead', isSafe, { timeoutMs: kit.redeliveryMs + 10_000 })
  const counted = kit.capabilities.countsCrashes ? 2 : 1
  for (const { attempt } of collector.runs) assert.ok(attempt >= counted, `its attempt is ${attempt}, not ${counted}`)
}

const count = (worker: Worker, type: WorkerEvent['type']): number =>
  worker.events.filter((event) => event.type === type).length
