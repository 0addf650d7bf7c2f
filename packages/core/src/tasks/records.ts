import { maxDurationMs } from '../contract/checks/values.js'
import type { Log } from '../contract/log.js'
import { decodeFinished, encodeFinished, type FinishedTask } from './finished-task.js'
import type { TaskStore } from './task-store.js'

const keyOf = (kind: 'outcome' | 'once' | 'copy', name: string): string => `${kind}/${name}`

export interface RecordsOptions {
  readonly store: TaskStore
  readonly log: Log
  /** How long the store keeps how a task has ended. */
  readonly keepMs: number
}

/** Creates the records of tasks in a store: how each ended, and which id and which message a key stands for. */
export function createRecords({ store, log, keepMs }: RecordsOptions) {
  const finishedTaskOf = async (id: string): Promise<FinishedTask | undefined> =>
    decodeFinished(await store.get(keyOf('outcome', id)))

  return {
    finishedTaskOf,
    /**
     * Stores how a run has ended, and resolves to what counts for the task. A task that was cancelled meanwhile stays cancelled. A task that
     * completed before is not failed by a repetition. If the store fails, the error is logged, because the work is done and must not be
     * done again. See docs/decisions/0051-one-outcome-per-task.md.
     */
    async end(finished: FinishedTask, ttlMs = 0): Promise<FinishedTask> {
      const key = keyOf('outcome', finished.id)
      const ttl = { ttlMs: Math.max(keepMs, ttlMs) }
      try {
        const text = encodeFinished(finished)
        const held = await store.claim(key, text, ttl)
        if (held === text) return finished
        const before = decodeFinished(held)
        if (before?.status === 'cancelled' || (before?.status === 'completed' && finished.status === 'failed'))
          return before
        await store.put(key, text, ttl)
      } catch (error) {
        log.warn(`The store did not take how the task ${finished.id} has ended`, { error })
      }
      return finished
    },
    /** Resolves to false if the task had already ended. */
    async cancel(id: string): Promise<boolean> {
      // A delayed task may wait as long as that.
      const held = await store.claim(keyOf('outcome', id), encodeFinished({ status: 'cancelled', id }), {
        ttlMs: maxDurationMs,
      })
      return decodeFinished(held)?.status === 'cancelled'
    },
    /** Resolves to the id that the key stands for: `id`, unless another one was first. */
    idOf: (
      task: string,
      key: string,
      { id, ttlMs }: { readonly id: string; readonly ttlMs: number },
    ): Promise<string> => store.claim(keyOf('once', `${task}/${key}`), id, { ttlMs }),
    /** Says whether a key stands for an id now. */
    isHeld: async (task: string, key: string): Promise<boolean> =>
      (await store.get(keyOf('once', `${task}/${key}`))) !== undefined,
    /** Says whether this message is the one of its id that is run. The answer is the same for its retries. */
    isFirstCopy: async (
      id: string,
      { copy, ttlMs }: { readonly copy: string; readonly ttlMs: number },
    ): Promise<boolean> => (await store.claim(keyOf('copy', id), copy, { ttlMs })) === copy,
  }
}

export type Records = ReturnType<typeof createRecords>
