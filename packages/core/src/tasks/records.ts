import { maxDurationMs } from '../contract/checks.js'
import { MqError } from '../contract/errors.js'
import type { Log } from '../contract/log.js'
import { decodeFinished, encodeFinished, type FinishedTask } from './finished-task.js'
import type { TaskStore } from './task-store.js'

const keyOf = (kind: 'outcome' | 'once' | 'copy', name: string): string => `${kind}/${name}`

export interface RecordsOptions {
  readonly store: TaskStore
  readonly log: Log
  /** How long outcomes are kept. */
  readonly keepMs: number
}

/** What a store knows of tasks: how each ended, and which id and which message a key stands for. */
export function createRecords({ store, log, keepMs }: RecordsOptions) {
  const finishedTaskOf = async (id: string): Promise<FinishedTask | undefined> =>
    decodeFinished(await store.get(keyOf('outcome', id)))

  return {
    finishedTaskOf,
    /**
     * Stores the outcome of a run, and resolves to the one that counts: a task that was cancelled meanwhile stays cancelled,
     * one that completed before is not failed by a repetition. A store that fails is logged: the work is done, and must not
     * be done again for that.
     */
    async end(given: FinishedTask, ttlMs = 0): Promise<FinishedTask> {
      const key = keyOf('outcome', given.id)
      const ttl = { ttlMs: Math.max(keepMs, ttlMs) }
      try {
        const text = encodeFinished(given)
        const held = await store.claim(key, text, ttl)
        if (held === text) return given
        const found = decodeFinished(held)
        if (found?.status === 'cancelled' || (found?.status === 'completed' && given.status === 'failed')) return found
        await store.put(key, text, ttl)
      } catch (error) {
        log.warn(`The outcome of the task ${given.id} could not be stored`, { error })
      }
      return given
    },
    /** False when the task had ended before. */
    async cancel(id: string): Promise<boolean> {
      // A delayed task may wait that long.
      const held = await store.claim(keyOf('outcome', id), encodeFinished({ status: 'cancelled', id }), {
        ttlMs: maxDurationMs,
      })
      return decodeFinished(held)?.status === 'cancelled'
    },
    /** The id that the key stands for: `id`, unless another one came first. */
    idOf: (
      task: string,
      key: string,
      { id, ttlMs }: { readonly id: string; readonly ttlMs: number },
    ): Promise<string> => store.claim(keyOf('once', `${task}/${key}`), id, { ttlMs }),
    /** Whether this message is the one of its id that is run. It stays so for its retries. */
    isFirstCopy: async (
      id: string,
      { copy, ttlMs }: { readonly copy: string; readonly ttlMs: number },
    ): Promise<boolean> => (await store.claim(keyOf('copy', id), copy, { ttlMs })) === copy,
  }
}

export type Records = ReturnType<typeof createRecords>

export const storeRequired = (what: string): MqError =>
  new MqError('MQ_STORE_REQUIRED', `${what} needs a store: createScheduler(queue, { store })`)
