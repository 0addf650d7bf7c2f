import type { Subscription } from '../contract/handler.js'
import type { Queue } from '../contract/queue.js'
import { controlTopic } from './wire.js'
import type { TaskRun } from './work/task-run.js'

/** Creates the register of the runs in this process, through which any process can cancel them. */
export function createControl(queue: Queue) {
  const running = new Map<string, Set<TaskRun>>()

  return {
    /** Adds a run, and returns a function that removes it. */
    add(id: string, run: TaskRun): () => void {
      const runs = running.get(id) ?? new Set()
      running.set(id, runs.add(run))
      return () => {
        runs.delete(run)
        if (runs.size === 0 && running.get(id) === runs) running.delete(id)
      }
    },
    listen: (): Promise<Subscription> =>
      queue.subscribe(
        controlTopic,
        ({ data }) => {
          const { cancel } = (typeof data === 'object' && data !== null ? data : {}) as { cancel?: unknown }
          if (typeof cancel === 'string') for (const run of running.get(cancel) ?? []) run.cancel()
        },
        { ephemeral: true },
      ),
    async cancelEverywhere(id: string): Promise<void> {
      await queue.publish(controlTopic, { cancel: id })
    },
  }
}

export type Control = ReturnType<typeof createControl>
