import type { Queue, SchedulerEvents, Task, TaskScheduler } from '@mq/core'

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
  /** What it threw. */
  readonly error: unknown
}

export interface CancelledRun<Input = unknown> extends Run<Input> {
  readonly status: 'cancelled'
}

interface Run<Input> {
  readonly task: string
  /** The same for all attempts; of a tick it is `<schedule>@<time>`. */
  readonly id: string
  readonly attempt: number
  /** As the task got it: validated, and a copy. */
  readonly input: Input
  readonly headers: Readonly<Record<string, string>>
  /** When it ended, by the clock of the queue. */
  readonly at: Date
}

/** What ran, the oldest first; of one task where it is given. */
export type TaskRuns = {
  (): readonly TaskRun[]
  <Input, Result, Enqueued>(task: Task<Input, Result, Enqueued>): readonly TaskRun<Input, Result>[]
}

type Ended = SchedulerEvents['completed' | 'failed' | 'cancelled']
type How = Pick<CompletedRun, 'status' | 'result'> | Pick<FailedRun, 'status' | 'error'> | Pick<CancelledRun, 'status'>

/** Writes down what a scheduler runs from now on: call it before `register`. It keeps everything, so it is for tests alone. */
export function recordRuns(queue: Queue, scheduler: TaskScheduler): TaskRuns {
  const inputs = new Map<string, Pick<Run<unknown>, 'input' | 'headers'>>()
  const runs: TaskRun[] = []
  const keyOf = (run: Pick<Run<unknown>, 'task' | 'id' | 'attempt'>): string =>
    JSON.stringify([run.task, run.id, run.attempt])

  queue.use({
    handle(message, _, next) {
      const { topic, id, attempt, data, headers } = message
      if (topic.startsWith('task.')) inputs.set(keyOf({ task: topic.slice(5), id, attempt }), { input: data, headers })
      return next()
    },
  })
  const record = (ended: Ended, how: How): void => {
    const { task, id, attempt } = ended
    const { input, headers = {} } = inputs.get(keyOf(ended)) ?? {}
    inputs.delete(keyOf(ended))
    runs.push(Object.freeze({ task, id, attempt, input, headers, at: new Date(queue.clock.now()), ...how }))
  }
  scheduler.on('completed', (ended) => record(ended, { status: 'completed', result: ended.result }))
  scheduler.on('cancelled', (ended) => record(ended, { status: 'cancelled' }))
  scheduler.on('failed', (ended) => record(ended, { status: 'failed', error: ended.error }))

  return <Input, Result, Enqueued>(task?: Task<Input, Result, Enqueued>) =>
    runs.filter((run) => task === undefined || run.task === task.name) as TaskRun<Input, Result>[]
}
