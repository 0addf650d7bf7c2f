import assert from 'node:assert/strict'
import { isMqError, type PublishOptions, type Queue } from '../../index.js'
import type { Worker, WorkerEvent } from '../subject.js'
import { type CollectOptions, type Collector, collect } from './collector.js'
import type { LedgerCounts } from './measurements.js'
import { quiet, until } from './wait.js'

export interface LedgerPublishOptions extends Pick<PublishOptions, 'timeoutMs' | 'delayMs' | 'headers'> {
  readonly count: number
  /** The number of concurrent publishes. Default: 20. */
  readonly parallel?: number
  readonly data?: (index: number) => unknown
  readonly key?: (index: number) => string
}

export interface LedgerCheck {
  /** A connected queue for reading dead letters. */
  readonly queue: Queue
  /**
   * The allowed number of repeated runs, over all messages. It is 0 if nothing was in doubt. After a lost connection it is the
   * number of messages that were in flight or in doubt.
   */
  readonly duplicates: number
  /** The time in which every acknowledged message has to be handled or dead. Default: 15 s. */
  readonly withinMs?: number
}

/** Accounts for every published message and its end, like the total-queue checker of Jepsen. */
export interface Ledger {
  /** The ids of the messages that the broker has confirmed. */
  readonly published: ReadonlySet<string>
  readonly rejected: ReadonlySet<string>
  readonly unknown: ReadonlySet<string>
  /** Returns how often each message was handled successfully. */
  handled(): ReadonlyMap<string, number>
  /** Resolves when each publish has its outcome. A failed publish is recorded. Other errors are thrown. */
  publish(queue: Queue, options: LedgerPublishOptions): Promise<void>
  collect(queue: Queue, options?: CollectOptions): Promise<Collector>
  /** Also counts the messages that the worker handles. */
  watch(worker: Worker): void
  /**
   * Waits until every acknowledged message is handled or dead and no more arrive. Throws if a message was lost, was handled
   * without a publish or after its publish was rejected, or was handled too often.
   */
  check(options: LedgerCheck): Promise<void>
}

export interface LedgerOptions {
  readonly topic: string
  readonly group: string
  readonly quietMs: number
  readonly onCollector?: (collector: Collector) => void
  /** Called when the broker has confirmed a message. */
  readonly onStored?: () => void
  /** Gets the counts of each check, even of one that fails. */
  readonly onCheck?: (counts: LedgerCounts) => void
}

export function createLedger(options: LedgerOptions): Ledger {
  const { topic, group, quietMs, onCollector, onStored, onCheck } = options
  const published = new Set<string>()
  const rejected = new Set<string>()
  const unknown = new Set<string>()
  const collected: string[] = []
  const workers: Worker[] = []
  const dead = new Set<string>()
  let made = 0

  const handledIds = (): string[] => {
    return [...collected, ...workers.flatMap((worker) => workerIds(worker, 'handled'))]
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

  const repeated = (): number => [...counts().values()].reduce((sum, count) => sum + count - 1, 0)

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
      onStored?.()
    } catch (error) {
      if (isMqError(error, 'MQ_PUBLISH_UNKNOWN')) unknown.add(id)
      else if (isMqError(error, 'MQ_PUBLISH_REJECTED')) rejected.add(id)
      else throw error
    }
  }

  const readDeadLetters = async (queue: Queue): Promise<void> => {
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
    async collect(queue, options = {}) {
      const collector = await collect(queue, topic, { group, ...options }, (id) => collected.push(id))
      onCollector?.(collector)
      return collector
    },
    async check({ queue, duplicates, withinMs = 15_000 }) {
      const what = (): string => `${missing().length} of ${published.size} acknowledged messages: ${some(missing())}`
      const report = (): void => onCheck?.({ stored: published.size, lost: missing().length, repeated: repeated() })
      await until(what, () => missing().length === 0, { timeoutMs: withinMs }).catch(async (error) => {
        await readDeadLetters(queue).finally(report)
        if (missing().length > 0) throw error
      })
      await quiet(() => handledIds().length, quietMs)
      report()
      const handled = counts()
      const unexpected = [...handled.keys()].filter((id) => !published.has(id) && !unknown.has(id))
      assert.deepEqual(unexpected, [], 'messages that were handled, but not published or whose publish was rejected')
      const again = [...handled].filter(([, count]) => count > 1)
      const surplus = repeated()
      const which = some(again.map(([id, count]) => `${id} x${count}`))
      assert.ok(surplus <= duplicates, `${surplus} repeated runs, at most ${duplicates} are allowed: ${which}`)
    },
  }
}

const some = (ids: readonly string[]): string => ids.slice(0, 5).join(', ') + (ids.length > 5 ? ', ...' : '')

/** Returns the ids of the messages of which a worker has reported this, in order. */
export const workerIds = (worker: Worker, type: WorkerEvent['type']): readonly string[] =>
  worker.events.flatMap((event) => (event.type === type && event.id !== undefined ? [event.id] : []))
