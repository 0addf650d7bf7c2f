import { maxDurationMs } from '../contract/checks/values.js'
import { describeWithStack } from '../contract/failure.js'
import { type ProgressStep, stepOf, type TaskProgress } from './progress.js'
import type { RecordsOptions } from './records.js'

/** A step as the store holds it, with the time at which its run began, in milliseconds since 1970. */
interface StoredStep extends ProgressStep {
  readonly begunAt: number
}

const keyOf = (id: string): string => `progress/${id}`

/**
 * Creates the records of progress in a store: the latest step of each task, under one key. A store that fails is logged, because no task
 * fails if its progress cannot be stored.
 */
export function createProgressRecords({ store, log, keepMs }: RecordsOptions) {
  /** Resolves to whether the store took it. */
  const tried = async (id: string, work: () => Promise<unknown>, isQuiet = false): Promise<boolean> => {
    try {
      await work()
      return true
    } catch (error) {
      if (!isQuiet) {
        log.warn(`The store did not take the progress of the task ${id}`, { error: describeWithStack(error) })
      }
      return false
    }
  }
  /** Replaces what holds the key, if the store still has it. Resolves to whether it did, as far as the store can tell. */
  const replace = async (key: string, text: string, held: string | undefined, ttlMs: number): Promise<boolean> => {
    if (store.compareAndSet === undefined) await store.put(key, text, { ttlMs })
    else if (held === undefined) return (await store.claim(key, text, { ttlMs })) === text
    else return store.compareAndSet(key, text, { expected: held, ttlMs })
    return true
  }
  /** Lets the last step of a task that has ended expire together with how it has ended. */
  const settle = async (id: string): Promise<void> => {
    const held = await store.get(keyOf(id))
    if (held !== undefined) await replace(keyOf(id), held, held, keepMs)
  }

  return {
    /** Resolves to undefined if no run has reported anything, or so long ago that the store has forgotten it. */
    async read(id: string): Promise<TaskProgress | undefined> {
      const step = storedStepOf(await store.get(keyOf(id)))
      if (step === undefined) return undefined
      const { fraction, note, attempt } = step
      return Object.freeze({ fraction, ...(note !== undefined && { note }), attempt })
    },
    settle: (id: string): Promise<unknown> => tried(id, () => settle(id)),
    /** Removes what a task that had the same id before has reported. */
    forget: (id: string): Promise<unknown> => tried(id, async () => store.delete?.(keyOf(id))),
    /** Creates the writer of one run. A run never replaces what a later run of the same task has reported. */
    writer({ id, ...run }: { readonly id: string; readonly attempt: number; readonly begunAt: number }) {
      const key = keyOf(id)
      let written: string | undefined
      let writing = Promise.resolve()
      /** A store that is down is logged once, not with each step. */
      let isDown = false

      const write = async (step: ProgressStep, ttlMs: number): Promise<void> => {
        const text = JSON.stringify({ ...step, ...run } satisfies StoredStep)
        // Nearly always this run has written last, so one step at the store is enough.
        const isReplaced = written !== undefined && store.compareAndSet !== undefined
        if (isReplaced && (await replace(key, text, written, ttlMs))) {
          written = text
          return
        }
        const held = await store.get(key)
        if (isLater(storedStepOf(held), run)) return
        if (await replace(key, text, held, ttlMs)) written = text
      }
      const inTurn = (work: () => Promise<void>): Promise<void> => {
        writing = writing.then(async () => {
          isDown = !(await tried(id, work, isDown))
        })
        return writing
      }

      return {
        /** Stores a step of a run that goes on. A retry may come a year later. Never rejects. */
        step: (step: ProgressStep): Promise<void> => inTurn(() => write(step, maxDurationMs)),
        /** Stores the last step of a task that ends with this run. Never rejects. */
        end: async (last: ProgressStep | undefined): Promise<void> => {
          if (last !== undefined) await inTurn(() => write(last, keepMs))
          else if (run.attempt > 1) await inTurn(() => settle(id))
        },
      }
    },
  }
}

export type ProgressRecords = ReturnType<typeof createProgressRecords>
export type ProgressWriter = ReturnType<ProgressRecords['writer']>

function storedStepOf(text: string | undefined): StoredStep | undefined {
  if (text === undefined) return undefined
  try {
    const value = JSON.parse(text) as { readonly begunAt?: unknown } | null
    const step = stepOf(value)
    const begunAt = Number(value?.begunAt)
    return step === undefined || !Number.isFinite(begunAt) ? undefined : { ...step, begunAt }
  } catch {
    return undefined
  }
}

/**
 * A replay begins again with the first attempt, and clocks of machines differ. So a run is later only if it began later, and not with an
 * earlier attempt.
 */
const isLater = (
  held: StoredStep | undefined,
  { attempt, begunAt }: Pick<StoredStep, 'attempt' | 'begunAt'>,
): boolean => held !== undefined && held.attempt >= attempt && held.begunAt > begunAt
