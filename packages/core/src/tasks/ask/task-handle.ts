import { requireDuration } from '../../contract/checks/values.js'
import { MqError } from '../../contract/errors.js'
import type { Queue } from '../../contract/queue.js'
import { finishedError } from '../finished-task.js'
import type { TaskProgress } from '../progress.js'
import type { EnqueuedTask } from '../task-options.js'
import type { PendingReply } from './pending-reply.js'
import type { Waiting } from './replies.js'

export interface CancelOptions {
  /** Cancels the task only if it is running now. This needs no store. Default: false. */
  readonly onlyRunning?: boolean | undefined
}

/** A task that was enqueued with `reply`, so that this process can wait for its result. */
export interface TaskHandle<Result = unknown> extends EnqueuedTask {
  /**
   * Resolves to the task's result. Rejects with `MQ_TASK_FAILED` after its last attempt, with the parts of the error in `failure`, and with
   * `MQ_TASK_CANCELLED`. Rejects with `MQ_TIMEOUT` if there is no result in time, and may then be called again. Rejects with `MQ_CLOSED` if
   * this scheduler is stopped or its queue is disconnected.
   */
  result(options?: { readonly timeoutMs?: number | undefined }): Promise<Result>
  /**
   * Iterates over the task's progress until it has ended, successfully or not. A slow reader gets the latest report and misses those in
   * between. Each call returns a reader of its own.
   */
  progress(): AsyncIterable<TaskProgress>
  /** Cancels the task like `TaskScheduler.cancel`. */
  cancel(options?: CancelOptions): Promise<boolean>
  /**
   * Ends the wait for the reply, so that the task no longer counts among the 10,000 that may wait. The task itself goes on. Calls of
   * `result` reject with `MQ_CLOSED`, and `progress` ends. Nothing happens if the task has ended, or at a second call.
   */
  forget(): void
}

export function createTaskHandle<Result>(
  enqueued: EnqueuedTask,
  { pending, beginResult, endResult, release }: Waiting,
  { clock, cancel }: { readonly clock: Queue['clock']; readonly cancel: (options?: CancelOptions) => Promise<boolean> },
): TaskHandle<Result> {
  return Object.freeze({
    ...enqueued,
    async result({ timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<Result> {
      if (timeoutMs !== undefined) requireDuration(timeoutMs, 'timeoutMs')
      beginResult()
      let isLate = false
      const onLate = (): void => {
        isLate = true
      }
      const finished = await inTime(pending, { timeoutMs, clock, onLate }).finally(() => endResult(isLate))
      if (finished.status === 'completed') return finished.result as Result
      throw finishedError(finished)
    },
    progress: () => pending.progress(),
    cancel,
    forget: release,
  })
}

function inTime(
  { what, finished }: PendingReply,
  limit: { readonly timeoutMs: number | undefined; readonly clock: Queue['clock']; readonly onLate: () => void },
) {
  const { timeoutMs, clock, onLate } = limit
  if (timeoutMs === undefined) return finished
  return new Promise<Awaited<typeof finished>>((resolve, reject) => {
    const late = (): void => {
      onLate()
      reject(new MqError('MQ_TIMEOUT', `No reply of ${what()} within ${timeoutMs} ms`))
    }
    const timer = clock.setTimeout(late, timeoutMs)
    finished.then(resolve, reject).finally(() => timer.cancel())
  })
}
