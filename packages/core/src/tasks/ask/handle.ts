import { requireDuration } from '../../contract/checks.js'
import { MqError } from '../../contract/errors.js'
import type { Queue } from '../../contract/queue.js'
import { finishedError } from '../finished-task.js'
import type { TaskProgress } from '../progress.js'
import type { EnqueuedTask } from '../task-scheduler.js'
import type { PendingReply } from './pending-reply.js'

export interface CancelOptions {
  /** Only if it is running now: this needs no store. */
  readonly onlyRunning?: boolean
}

/** A task whose result somebody in this process waits for. */
export interface TaskHandle<Result = unknown> extends EnqueuedTask {
  /**
   * The task's result. Rejects with `MQ_TASK_FAILED` after its last attempt, the error's parts in `failure`; with
   * `MQ_TASK_CANCELLED`; with `MQ_TIMEOUT` when there is none in time, after which it may be called again; with `MQ_CLOSED` when
   * this scheduler is stopped or its queue disconnected.
   */
  result(options?: { readonly timeoutMs?: number }): Promise<Result>
  /**
   * What the task reports, until it has ended, well or not. A reader that is slower than the task gets the latest step and
   * misses those between. Each call is a reader of its own.
   */
  progress(): AsyncIterable<TaskProgress>
  /** As `TaskScheduler.cancel`. */
  cancel(options?: CancelOptions): Promise<boolean>
}

export function createHandle<Result>(
  enqueued: EnqueuedTask,
  pending: PendingReply,
  { clock, cancel }: { readonly clock: Queue['clock']; readonly cancel: (options?: CancelOptions) => Promise<boolean> },
): TaskHandle<Result> {
  return Object.freeze({
    ...enqueued,
    async result({ timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<Result> {
      if (timeoutMs !== undefined) requireDuration(timeoutMs, 'timeoutMs')
      const outcome = await inTime(pending, timeoutMs, clock)
      if (outcome.status === 'completed') return outcome.result as Result
      throw finishedError(outcome)
    },
    progress: () => pending.progress(),
    cancel,
  })
}

function inTime({ id, outcome }: PendingReply, timeoutMs: number | undefined, clock: Queue['clock']) {
  if (timeoutMs === undefined) return outcome
  return new Promise<Awaited<typeof outcome>>((resolve, reject) => {
    const late = (): void => reject(new MqError('MQ_TIMEOUT', `No reply of the task ${id} within ${timeoutMs} ms`))
    const timer = clock.setTimeout(late, timeoutMs)
    outcome.then(resolve, reject).finally(() => timer.cancel())
  })
}
