import { AsyncLocalStorage } from 'node:async_hooks'
import type { Message, Queue, SchedulerEvents, Task, TaskScheduler } from '@mq/core'

/** One run of a task that has ended. */
export type TaskRun<Input = unknown, Result = unknown> =
  | CompletedRun<Input, Result>
  | FailedRun<Input>
  | CancelledRun<Input>

export interface CompletedRun<Input = unknown, Result = unknown> extends Run<Input> {
  readonly status: 'completed'
  readonly result: Result
}

export interface FailedRun<Input = unknown> extends Run<Input> {
  readonly status: 'failed'
  /** The error that the task threw. */
  readonly error: unknown
}

export interface CancelledRun<Input = unknown> extends Run<Input> {
  readonly status: 'cancelled'
}

interface Run<Input> {
  readonly task: string
  /** The same for all attempts. The id of a tick's run is `<schedule>@<time>`. */
  readonly id: string
  readonly attempt: number
  /** The input as the task got it: a validated copy. */
  readonly input: Input
  readonly headers: Readonly<Record<string, string>>
  /** When the run ended, by the clock of the queue. */
  readonly at: Date
}

/** Lists the runs that have ended, the oldest first: those of one task, or all. */
export type TaskRuns = {
  (): readonly TaskRun[]
  <Input, Result, Enqueued>(task: Task<Input, Result, Enqueued>): readonly TaskRun<Input, Result>[]
}

type Ended = SchedulerEvents['completed' | 'failed' | 'cancelled']
type How = Pick<CompletedRun, 'status' | 'result'> | Pick<FailedRun, 'status' | 'error'> | Pick<CancelledRun, 'status'>

/** Records what a scheduler runs from now on; call it before `register`. It keeps everything, so it is for tests only. */
export function recordRuns(queue: Queue, scheduler: TaskScheduler): TaskRuns {
  const running = new AsyncLocalStorage<Message>()
  const runs: TaskRun[] = []

  // A scheduler reports the end of a run from within the handler of its message.
  queue.use({ handle: (message, _, next) => running.run(message, next) })
  const record = ({ task, id, attempt }: Ended, how: How): void => {
    const { data: input, headers = {} } = running.getStore() ?? {}
    runs.push(Object.freeze({ task, id, attempt, input, headers, at: new Date(queue.clock.now()), ...how }))
  }
  scheduler.on('completed', (ended) => record(ended, { status: 'completed', result: ended.result }))
  scheduler.on('cancelled', (ended) => record(ended, { status: 'cancelled' }))
  scheduler.on('failed', (ended) => record(ended, { status: 'failed', error: ended.error }))

  return <Input, Result, Enqueued>(task?: Task<Input, Result, Enqueued>) =>
    runs.filter((run) => task === undefined || run.task === task.name) as TaskRun<Input, Result>[]
}
