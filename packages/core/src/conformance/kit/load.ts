import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { Queue } from '../../index.js'
import type { CollectOptions } from './collector.js'
import type { Kit } from './kit.js'
import type { Ledger } from './ledger.js'
import { sleep } from './wait.js'

export interface LoadOptions {
  /** The number of concurrent publishes. Default: 4. */
  readonly parallel?: number
  /** The pause after each publish. Default: 5 ms. */
  readonly pauseMs?: number
  readonly timeoutMs?: number
}

export interface Load {
  /** Stops publishing and resolves once every publish has its outcome. It may be called again. */
  stop(): Promise<void>
}

/** Publishes until it is stopped, even while the broker is unreachable. */
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
  // `stop` awaits the promise, but a failing case may never call it.
  publishing.catch(() => {})
  return {
    async stop() {
      stopped = true
      await publishing
    },
  }
}

/**
 * Options for a consumer that is slower than the load of `publishSteadily`: it is always busy, and some messages wait. A run
 * that loses its message meanwhile counts as failed.
 */
export const slower = (kit: Kit): CollectOptions => ({
  concurrency: 4,
  async handler(_, { signal }) {
    await sleep(10 + kit.random() * 10)
    if (signal.aborted) throw signal.reason
  },
})

/**
 * The time in which connections have to recover once the broker is reachable: backoff, a missed heartbeat, a new
 * session.
 */
export const healMs = 30_000

/** Waits until health reports that all is well, like a readiness probe of an application. */
export async function untilWell(kit: Kit, queue: Queue): Promise<void> {
  const isWell = (): boolean => {
    const { status, state, consumers } = queue.health()
    return status === 'up' && state === 'connected' && consumers.every((one) => one.status === 'consuming')
  }
  const what = () => `health to be up and every consumer to consume: ${inspect(queue.health())}`
  await kit.until(what, isWell, { timeoutMs: healMs })
}

/**
 * The number of messages that may be repeated if a connection is lost under the load of `publishSteadily`. These are the
 * running ones, the ones whose acknowledgement was not yet stored, and the ones that were published again.
 */
export const doubtPerFault = 250

/** Publishes until a message is stored, then publishes `count` messages, which all have to be stored. */
export async function publishAgain(
  kit: Kit,
  ledger: Ledger,
  queue: Queue,
  count: number,
  withinMs = healMs,
): Promise<void> {
  const before = ledger.published.size
  const isStored = async (): Promise<boolean> => {
    await ledger.publish(queue, { count: 1, timeoutMs: 2_000 })
    return ledger.published.size > before
  }
  await kit.until('publishing to resume', isStored, { timeoutMs: withinMs })
  const healed = ledger.published.size
  await ledger.publish(queue, { count })
  assert.equal(ledger.published.size - healed, count, 'publishes that were stored after the connection had recovered')
}

/**
 * Publishes messages that are handled and acknowledged before the fault. None of them may be repeated because of it.
 */
export async function publishBefore(kit: Kit, ledger: Ledger, queue: Queue, count = 20): Promise<{ check(): void }> {
  await ledger.publish(queue, { count })
  const ids = [...ledger.published]
  await kit.until('the messages before the fault', () => ids.every((id) => ledger.handled().has(id)))
  await kit.quiet(() => ledger.handled().size)
  return {
    check() {
      const again = ids.filter((id) => ledger.handled().get(id) !== 1)
      assert.deepEqual(again, [], 'messages that were acknowledged before the fault and not handled exactly once')
    },
  }
}
