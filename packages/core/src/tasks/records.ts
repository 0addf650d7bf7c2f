import { randomUUID } from 'node:crypto'
import { maxDurationMs } from '../contract/checks/values.js'
import { describeWithStack } from '../contract/failure.js'
import type { Log } from '../contract/log.js'
import { decodeFinished, encodeFinished, type FinishedTask } from './finished-task.js'
import { createProgressRecords } from './progress-records.js'
import { requireStoreMember } from './require-store.js'
import type { TaskStore } from './task-store.js'

type Kind = 'outcome' | 'once' | 'copy' | 'key'
const keyOf = (kind: Kind, name: string): string => `${kind}/${name}`
const onceKey = (task: string, key: string): string => keyOf('once', `${task}/${key}`)

/** Holds the outcome of a task that has not ended yet, so that `cancel` knows it. */
const waiting = '{"status":"waiting"}'

export interface RecordsOptions {
  readonly store: TaskStore
  readonly log: Log
  /** How long the store keeps how a task has ended. */
  readonly keepMs: number
  /** Whether the store has joined a transaction, in which nothing may fail without a word. Default: false. */
  readonly isJoined?: boolean
}

/** The id that an idempotency key stands for. */
export interface KeyHolder {
  readonly id: string
  /** True if the key was held before. */
  readonly isDuplicate: boolean
}

interface NewHolder {
  readonly id: string
  readonly ttlMs: number
  /** True if the caller has chosen the id, so that an earlier task may have had it. */
  readonly isChosen: boolean
}

/** Creates the records of tasks in a store: how each ended, and which id and which message a key stands for. */
export function createRecords(options: RecordsOptions) {
  const { store, log, keepMs } = options
  const progress = createProgressRecords(options)
  const finishedTaskOf = async (id: string): Promise<FinishedTask | undefined> =>
    decodeFinished(await store.get(keyOf('outcome', id)))
  const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      if (options.isJoined === true) throw error
      log.warn(`The store did not take ${what}`, { error: describeWithStack(error) })
    }
  }

  return {
    progress,
    finishedTaskOf,
    /** Notes that the task waits. A store that is down does not keep it from being enqueued; then `cancel` may not know it. */
    async begin(id: string): Promise<void> {
      if (store.compareAndSet === undefined) return
      const noting = () => store.claim(keyOf('outcome', id), waiting, { ttlMs: maxDurationMs })
      await attempt(`that the task ${id} waits`, noting)
    },
    /** Takes back `begin`, for a task that could not be published. */
    async abandon(id: string): Promise<void> {
      await attempt(`that the task ${id} was not published`, async () =>
        store.delete?.(keyOf('outcome', id), { expected: waiting }),
      )
    },
    /** Resolves to how the task has ended before this run. From now on `cancel` knows the task, whoever has enqueued it. */
    async beforeRun(id: string): Promise<FinishedTask | undefined> {
      const held = await store.get(keyOf('outcome', id))
      if (held !== undefined || store.compareAndSet === undefined) return decodeFinished(held)
      return decodeFinished(await store.claim(keyOf('outcome', id), waiting, { ttlMs: maxDurationMs }))
    },
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
        if ((await store.compareAndSet?.(key, text, { expected: waiting, ...ttl })) === true) return finished
        const held = await store.claim(key, text, ttl)
        if (held === text) return finished
        const before = decodeFinished(held)
        if (before?.status === 'cancelled' || (before?.status === 'completed' && finished.status === 'failed'))
          return before
        await store.put(key, text, ttl)
      } catch (error) {
        log.warn(`The store did not take how the task ${finished.id} has ended`, { error: describeWithStack(error) })
      }
      return finished
    },
    /** Resolves to true if the task had not ended and is cancelled now. A store without `compareAndSet` cannot tell an unknown id. */
    async cancel(id: string): Promise<boolean> {
      const key = keyOf('outcome', id)
      // Names this call, because an earlier one may have written the same. A delayed task may wait as long as that.
      const text = JSON.stringify({ status: 'cancelled', id, by: randomUUID() })
      const ttl = { ttlMs: maxDurationMs }
      if (store.compareAndSet !== undefined) return store.compareAndSet(key, text, { expected: waiting, ...ttl })
      return (await store.claim(key, text, ttl)) === text
    },
    /** Resolves to false if the task has ended, or if the store can tell that there is none. */
    async isOpen(id: string): Promise<boolean> {
      const held = await store.get(keyOf('outcome', id))
      return held === waiting || (held === undefined && store.compareAndSet === undefined)
    },
    /** Claims a key, and resolves to the id that it stands for. */
    async holderOf(task: string, key: string, { id, ttlMs, isChosen }: NewHolder): Promise<KeyHolder> {
      const own = JSON.stringify({ id, by: randomUUID() })
      const held = await store.claim(onceKey(task, key), own, { ttlMs })
      if (held !== own) return { id: idIn(held), isDuplicate: true }
      // A task of the same id that has failed has freed the key. Its marks must not keep the new one from running.
      if (isChosen && store.delete !== undefined && (await finishedTaskOf(id))?.status === 'failed') {
        await store.delete(keyOf('copy', id))
        await store.delete(keyOf('outcome', id))
        await progress.forget(id)
      }
      return { id, isDuplicate: false }
    },
    /** Notes which key is free again once the task has failed or was cancelled. */
    async noteKey(
      id: string,
      { task, key, ttlMs }: { readonly task: string; readonly key: string; readonly ttlMs: number },
    ) {
      if (store.delete !== undefined) await store.put(keyOf('key', id), onceKey(task, key), { ttlMs })
    },
    /** Frees the key of a task that has failed or was cancelled, so that the next enqueue with it is a task of its own. */
    async freeKey(id: string): Promise<void> {
      await attempt(`that the key of the task ${id} is free`, async () => {
        const key = store.delete === undefined ? undefined : await store.get(keyOf('key', id))
        const held = key === undefined ? undefined : await store.get(key)
        if (key !== undefined && held !== undefined && idIn(held) === id) await store.delete?.(key, { expected: held })
      })
    },
    /** Frees a key at once. Resolves to whether it was held. */
    async forget(task: string, key: string): Promise<boolean> {
      requireStoreMember(store, 'delete', 'Forgetting an idempotency key')
      return store.delete(onceKey(task, key))
    },
    /** Says whether a key stands for an id now. */
    isHeld: async (task: string, key: string): Promise<boolean> => (await store.get(onceKey(task, key))) !== undefined,
    /** Says whether this message is the one of its id that is run. The answer is the same for its retries. */
    isFirstCopy: async (
      id: string,
      { copy, ttlMs }: { readonly copy: string; readonly ttlMs: number },
    ): Promise<boolean> => (await store.claim(keyOf('copy', id), copy, { ttlMs })) === copy,
  }
}

/** Reads the id in what holds a key. */
function idIn(held: string): string {
  try {
    const { id } = JSON.parse(held) as { readonly id?: unknown }
    return typeof id === 'string' ? id : held
  } catch {
    return held
  }
}

export type Records = ReturnType<typeof createRecords>
