import { lazyAbort } from '../../adapter-kit/lazy-abort.js'
import { joinedSignal } from '../../consume/joined-signal.js'
import type { Clock } from '../../contract/clock.js'
import { MqError } from '../../contract/errors.js'

export interface TaskRunOptions {
  /** Returns the signal of the message. It is called only if the task has a time limit or reads its own signal. */
  readonly signal: () => AbortSignal
  readonly timeoutMs: number | undefined
  readonly clock: Clock
}

/** Creates one run of a task. It ends when the task ends, when its time is over, or when it is cancelled, whichever comes first. */
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
    /** Aborts the signal and ends the run, even if the task ignores its signal. */
    cancel(): void {
      cancelled = true
      stop(new MqError('MQ_TASK_CANCELLED', 'The task was cancelled'))
    },
    within<T>(work: () => T | Promise<T>): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        const late = (): void => stop(new MqError('MQ_HANDLER_TIMEOUT', `The task took longer than ${timeoutMs} ms`))
        const timer = timeoutMs === undefined ? undefined : clock.setTimeout(late, timeoutMs)
        // The worker has given the message up, so nobody waits for its time. A task that is stuck must not keep the process alive.
        const lost = timer === undefined ? undefined : signal()
        const disarm = (): void => {
          timer?.cancel()
          lost?.removeEventListener('abort', disarm)
        }
        lost?.addEventListener('abort', disarm)
        if (lost?.aborted === true) disarm()
        end = (error) => {
          disarm()
          reject(error)
        }
        Promise.resolve().then(work).then(resolve, reject).finally(disarm)
      })
    },
    /** Removes the listeners from the signal of the message. */
    end(): void {
      joined.end()
    },
  }
}

export type TaskRun = ReturnType<typeof createTaskRun>
