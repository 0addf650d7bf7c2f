import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { Queue } from '../../index.js'
import type { CollectOptions } from './collector.js'
import type { Kit } from './kit.js'
import type { Ledger } from './ledger.js'
import { sleep } from './wait.js'

export interface LoadOptions {
  /** Publishes without an answer at a time. 4 where none is given. */
  readonly parallel?: number
  /** Between two publishes of each of them. 5 where none is given. */
  readonly pauseMs?: number
  readonly timeoutMs?: number
}

export interface Load {
  /** Resolves once every publish has its outcome; later calls do too. */
  stop(): Promise<void>
}

/** Publishes without end, whatever becomes of the broker, until it is stopped. */
export function publishSteadily(ledger: Ledger, queue: Queue, options: LoadOptions = {}): Load {
  const { parallel = 4, pauseMs = 5, timeoutMs = 3_000 } = options
  let stopped = false
  const publisher = async (): Promise<void> => {
    while (!stopped) {
      await ledger.publish(queue, { count: 1, timeoutMs })
      await sleep(pauseMs)
    }
  }
  const publishing = Promise.all(Array.from({ length: parallel }, publisher))
  // Awaited by `stop`, which a case that fails may never call.
  publishing.catch(() => {})
  return {
    async stop() {
      stopped = true
      await publishing
    },
  }
}

/**
 * A consumer that is slower than the load of `publishSteadily`: it always has messages in hand, and some wait. A run that lost
 * its message meanwhile has handled nothing.
 */
export const slower = (kit: Kit): CollectOptions => ({
  concurrency: 4,
  async handler(_, { signal }) {
    await sleep(10 + kit.random() * 10)
    if (signal.aborted) throw signal.reason
  },
})

/** How long connections may take to heal once nothing hinders them: backoff, a heartbeat that was missed, a new session. */
export const healMs = 30_000

/** Waits until health says that all is well, as an application would that is asked whether it is ready. */
export async function untilWell(kit: Kit, queue: Queue): Promise<void> {
  const isWell = (): boolean => {
    const { status, state, consumers } = queue.health()
    return status === 'up' && state === 'connected' && consumers.every((one) => one.status === 'consuming')
  }
  const what = () => `health to be up and every consumer to consume: ${inspect(queue.health())}`
  await kit.until(what, isWell, { timeoutMs: healMs })
}

/**
 * How many may come twice when a connection is lost under the load of `publishSteadily`: those whose handlers ran, whose
 * acknowledgement was on its way or waited to be written down with others, and those that were published again.
 */
export const doubtPerFault = 250

/** Publishes until a message is stored, and then as many as are given, which have to be stored all. */
export async function publishAgain(
  kit: Kit,
  ledger: Ledger,
  queue: Queue,
  count: number,
  withinMs = healMs,
): Promise<void> {
  const before = ledger.published.size
  const goesOn = async (): Promise<boolean> => {
    await ledger.publish(queue, { count: 1, timeoutMs: 2_000 })
    return ledger.published.size > before
  }
  await kit.until('publishing to go on', goesOn, { timeoutMs: withinMs })
  const healed = ledger.published.size
  await ledger.publish(queue, { count })
  assert.equal(ledger.published.size - healed, count, 'the connection is back, and yet a publish failed')
}

/** Messages that were handled and acknowledged before the trouble began. None of them may come again for it. */
export async function publishBefore(kit: Kit, ledger: Ledger, queue: Queue, count = 20): Promise<{ check(): void }> {
  await ledger.publish(queue, { count })
  const ids = [...ledger.published]
  await kit.until('what comes before the trouble', () => ids.every((id) => ledger.handled().has(id)))
  await kit.quiet(() => ledger.handled().size)
  return {
    check() {
      const again = ids.filter((id) => ledger.handled().get(id) !== 1)
      assert.deepEqual(again, [], 'handled again, although they were acknowledged long before')
    },
  }
}
