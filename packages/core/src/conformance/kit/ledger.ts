import assert from 'node:assert/strict'
import { isMqError, type PublishOptions, type Queue } from '../../index.js'
import type { Worker } from '../subject.js'
import { type CollectOptions, type Collector, collect } from './collector.js'
import { quiet, until } from './wait.js'

export interface LedgerPublishOptions extends Pick<PublishOptions, 'timeoutMs' | 'delayMs' | 'headers'> {
  readonly count: number
  /** Publishes without an answer at a time. 20 where none is given. */
  readonly parallel?: number
  readonly data?: (index: number) => unknown
  readonly key?: (index: number) => string
}

export interface LedgerCheck {
  /** To look for what is dead; one that is connected. */
  readonly queue: Queue
  /**
   * How many times more than once messages may have been handled in all: 0 where nothing was in doubt, the number of those in
   * flight or in doubt where a connection was lost.
   */
  readonly duplicates: number
  /** For every acknowledged message to be handled or dead. 15,000 where none is given. */
  readonly withinMs?: number
}

/** What was published and what became of it: total accounting, as in Jepsen's total-queue checker. */
export interface Ledger {
  /** By outcome. `published` are those of which the broker's answer is known to be yes. */
  readonly published: ReadonlySet<string>
  readonly rejected: ReadonlySet<string>
  readonly unknown: ReadonlySet<string>
  /** How often each was handled to its end. */
  handled(): ReadonlyMap<string, number>
  /** Resolves when each has its outcome; a failed publish is noted, not thrown. Other errors are thrown. */
  publish(queue: Queue, options: LedgerPublishOptions): Promise<void>
  collect(queue: Queue, options?: CollectOptions): Promise<Collector>
  /** Counts what the worker handles too. */
  watch(worker: Worker): void
  /**
   * Waits until everything acknowledged is handled or dead and nothing more comes. Throws when something was lost, was handled
   * without having been published or after it was rejected, or was handled too often.
   */
  check(options: LedgerCheck): Promise<void>
}

export function createLedger(topic: string, group: string, quietMs: number): Ledger {
  const published = new Set<string>()
  const rejected = new Set<string>()
  const unknown = new Set<string>()
  const collected: string[] = []
  const workers: Worker[] = []
  const dead = new Set<string>()
  let made = 0

  const handledIds = (): string[] => {
    const events = workers.flatMap((worker) => worker.events)
    return [...collected, ...events.flatMap(({ type, id }) => (type === 'handled' && id !== undefined ? [id] : []))]
  }
  const missing = (): string[] => {
    const handled = new Set(handledIds())
    return [...published].filter((id) => !handled.has(id) && !dead.has(id))
  }
  const counts = (): Map<string, number> => {
    const found = new Map<string, number>()
    for (const id of handledIds()) found.set(id, (found.get(id) ?? 0) + 1)
    return found
  }

  const publishOne = async (queue: Queue, index: number, options: LedgerPublishOptions): Promise<void> => {
    const id = `m-${index}`
    const { timeoutMs, delayMs, headers, key, data } = options
    try {
      await queue.publish(topic, data === undefined ? { index } : data(index), {
        id,
        ...(key !== undefined && { key: key(index) }),
        ...(timeoutMs !== undefined && { timeoutMs }),
        ...(delayMs !== undefined && { delayMs }),
        ...(headers !== undefined && { headers }),
      })
      published.add(id)
    } catch (error) {
      if (isMqError(error, 'MQ_PUBLISH_UNKNOWN')) unknown.add(id)
      else if (isMqError(error, 'MQ_PUBLISH_REJECTED')) rejected.add(id)
      else throw error
    }
  }

  const lookAmongDead = async (queue: Queue): Promise<void> => {
    for (const { message } of await queue.deadLetters(topic, group).list({ limit: 10_000 })) dead.add(message.id)
  }

  return {
    published,
    rejected,
    unknown,
    handled: counts,
    watch: (worker) => void workers.push(worker),
    async publish(queue, options) {
      const first = made
      made += options.count
      let next = first
      const publisher = async (): Promise<void> => {
        while (next < first + options.count) await publishOne(queue, next++, options)
      }
      await Promise.all(Array.from({ length: Math.min(options.parallel ?? 20, options.count) }, publisher))
    },
    collect: (queue, options = {}) => collect(queue, topic, { group, ...options }, (id) => collected.push(id)),
    async check({ queue, duplicates, withinMs = 15_000 }) {
      const what = (): string => `${missing().length} of ${published.size} acknowledged messages: ${some(missing())}`
      await until(what, () => missing().length === 0, { timeoutMs: withinMs }).catch(async (error) => {
        await lookAmongDead(queue)
        if (missing().length > 0) throw error
      })
      await quiet(() => handledIds().length, quietMs)
      const handled = counts()
      const unexpected = [...handled.keys()].filter((id) => !published.has(id) && !unknown.has(id))
      assert.deepEqual(unexpected, [], 'handled without having been published, or although the publish was rejected')
      const again = [...handled].filter(([, count]) => count > 1)
      const surplus = again.reduce((sum, [, count]) => sum + count - 1, 0)
      const which = some(again.map(([id, count]) => `${id} x${count}`))
      assert.ok(surplus <= duplicates, `${surplus} runs too many, at most ${duplicates} may be: ${which}`)
    },
  }
}

const some = (ids: readonly string[]): string => ids.slice(0, 5).join(', ') + (ids.length > 5 ? ', ...' : '')
