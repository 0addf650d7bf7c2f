import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { timed } from '../../kit/expect.js'
import type { Kit } from '../../kit/kit.js'
import { healMs, publishAgain, publishBefore } from '../../kit/load.js'
import { createGate, sleep } from '../../kit/wait.js'

type Direction = 'in' | 'out' | 'both'

/** The time until a frozen link is detected: two missed heartbeats of 10 s and a reserve. */
const noticeMs = 45_000

const short = (id: string, direction: Direction, what: string): ConformanceCase => ({
  id,
  title: `a link on which ${what} passes for a few seconds: publishes settle in time and no message is lost`,
  promises: [1, 4, 10],
  level: 'required',
  needs: ['freeze', 'heal'],
  alone: true,
  timeoutMs: 180_000,
  run: (kit) => freeze(kit, direction),
})

const long = (id: string, direction: Direction, what: string): ConformanceCase => ({
  id,
  title: `a link on which ${what} passes for a minute is detected; then everything resumes and no message is lost`,
  promises: [1, 4, 10],
  level: 'required',
  needs: ['freeze', 'heal'],
  alone: true,
  long: true,
  timeoutMs: 300_000,
  run: (kit) => freeze(kit, direction, { forMs: 60_000 }),
})

export const frozenFaults: readonly ConformanceCase[] = [
  short('FLT-11', 'in', 'nothing to the broker'),
  short('FLT-12', 'out', 'nothing from the broker'),
  short('FLT-13', 'both', 'nothing at all'),
  long('FLT-14', 'in', 'nothing to the broker'),
  long('FLT-15', 'out', 'nothing from the broker'),
  long('FLT-16', 'both', 'nothing at all'),
  {
    id: 'FLT-17',
    title: 'a connection to a silently dead broker is detected and replaced',
    promises: [1, 4, 10],
    level: 'required',
    needs: ['freeze', 'kill', 'restart', 'heal'],
    unless: ({ durable }) => (durable ? undefined : 'its broker keeps nothing across a restart'),
    alone: true,
    long: true,
    timeoutMs: 300_000,
    async run(kit) {
      await freeze(kit, 'both', {
        async meanwhile() {
          await kit.faults.kill()
          await kit.faults.restart()
        },
      })
    },
  },
]

interface FreezeOptions {
  /** The duration of the freeze, within which it has to be detected. Default: 0, and it need not be detected. */
  readonly forMs?: number
  readonly meanwhile?: () => Promise<void>
}

/**
 * Freezes the link while handlers end, whose settlements cannot reach the broker, and while publishes wait for answers.
 */
async function freeze(kit: Kit, direction: Direction, { forMs = 0, meanwhile }: FreezeOptions = {}): Promise<void> {
  const [publisher, consumer] = [await kit.queue(), await kit.queue()]
  const ledger = kit.ledger(kit.topic())
  let gate = createGate()
  gate.open()
  const collector = await ledger.collect(consumer, { handler: () => gate.opened })
  const before = await publishBefore(kit, ledger, publisher)
  gate = createGate()
  await ledger.publish(publisher, { count: 5 })
  await kit.until('five handlers to run', () => collector.running === 5)

  const startedAt = performance.now()
  await kit.faults.freeze(direction)
  gate.open()
  const { tookMs } = await timed(ledger.publish(publisher, { count: 20, timeoutMs: 2_000 }))
  assert.ok(tookMs < 5_000, `publishes with a timeout of 2,000 ms took ${Math.round(tookMs)} ms`)
  if (forMs > 0) {
    await kit.until('the frozen link to be detected', () => consumer.health().status !== 'up', { timeoutMs: noticeMs })
    await sleep(forMs - (performance.now() - startedAt))
  }
  await meanwhile?.()
  await kit.faults.heal()

  await publishAgain(kit, ledger, publisher, 20, noticeMs + healMs)
  // These are the five unsettled messages, and publishes that were sent again because they had no answer.
  await ledger.check({ queue: consumer, duplicates: 25, withinMs: kit.redeliveryMs + noticeMs })
  before.check()
}
