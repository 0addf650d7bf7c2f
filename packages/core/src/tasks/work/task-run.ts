import { lazyAbort } from '../../adapter-kit/lazy-abort.js'
import { joinedSignal } from '../../consume/joined-signal.js'
import type { Clock } from '../../contract/clock.js'
import { MqError } from '../../contract/errors.js'

export interface TaskRunOptions {
  /** Of the message. Read only if the task reads its own. */
  readonly signal: () => AbortSignal
  readonly timeoutMs: number | undefined
  readonly clock: Clock
}

/** One run of a task: it ends when the task does, when its time is over, or when it is cancelled, whichever is first. */
export function createTaskRun({ signal, timeoutMs, clock }: TaskRunOptions) {
  const abort = lazyAbort()
  const joined = joinedSignal(() => [signal(), abort.signal])
  let end: ((error: MqError) => void) | undefined
  let cancelled = false

  const stop = (error: MqError): void => {
    abort.abort(error)
    end?.(error)
  }

  return {
    get signal(): AbortSignal {
      return joined.signal
    },
    get isCancelled(): boolean {
      return cancelled
    },
    /** A task that ignores its signal is waited for no longer. */
    cancel(): void {
      cancelled = true
      stop(new MqError('MQ_TASK_CANCELLED', 'The task was cancelled'))
    },
    within<T>(work: () => T | Promise<T>): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        const late = (): void => stop(new MqError('MQ_HANDLER_TIMEOUT', `The task took longer than ${timeoutMs} ms`))
        const timer = timeoutMs === undefined ? undefined : clock.setTimeout(late, timeoutMs)
        end = (error) => {
          timer?.cancel()
          reject(error)
        }
        Promise.resolve()
          .then(work)
          .then(resolve, reject)
          .finally(() => timer?.cancel())
      })
    },
    /** Its message's signal is followed no longer. */
    end(): void {
      joined.end()
    },
  }
}

export type TaskRun = ReturnType<typeof createTaskRun>
