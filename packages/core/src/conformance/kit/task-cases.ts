import assert from 'node:assert/strict'
import type { MqError, Queue, StandardSchema, Task, TaskContext, TaskScheduler, WorkerOptions } from '../../index.js'
import type { Kit, KitSchedulerOptions } from './kit.js'

export interface TaskRunSeen {
  readonly id: string
  readonly input: unknown
  readonly attempt: number
  readonly startedAt: number
  readonly context: TaskContext
}

export interface TaskStage {
  /** The queue of the worker. */
  readonly queue: Queue
  readonly worker: TaskScheduler
  /** The scheduler of a caller, on another connection. */
  readonly asker: TaskScheduler
  readonly task: Task
  /** All runs, in the order in which they started. */
  readonly runs: readonly TaskRunSeen[]
}

export interface TaskStageOptions extends Pick<Task, 'input' | 'retry' | 'timeoutMs' | 'events' | 'onLastFailure'> {
  readonly execute?: Task['execute']
  readonly worker?: WorkerOptions
  readonly scheduler?: KitSchedulerOptions
  /** Registers the task without starting the worker. */
  readonly idle?: boolean
}

/** Creates a task, a running worker for it and a caller on another connection. */
export async function stageTask(kit: Kit, options: TaskStageOptions = {}): Promise<TaskStage> {
  const { execute = () => undefined, worker: workerOptions, scheduler, idle, ...policy } = options
  const runs: TaskRunSeen[] = []
  const task: Task = {
    ...policy,
    name: kit.topic(),
    execute(input: unknown, context) {
      runs.push({ id: context.id, input, attempt: context.attempt, startedAt: Date.now(), context })
      return execute(input, context)
    },
  }
  const queue = await kit.queue()
  const worker = await kit.scheduler({ ...scheduler, queue })
  await worker.register(task, workerOptions)
  if (idle !== true) await worker.start()
  return { queue, worker, asker: await kit.scheduler(scheduler), task, runs }
}

export const groupOf = (task: Task): { readonly topic: string; readonly group: string } => ({
  topic: `task.${task.name}`,
  group: 'workers',
})

/** The time in which a reply arrives on any broker. */
export const reply = { timeoutMs: 20_000 } as const

export function assertFailure(error: MqError, wanted: Partial<NonNullable<MqError['failure']>>): void {
  const { failure } = error
  assert.ok(failure, `the error has no failure: ${error.message}`)
  assert.deepEqual({ ...failure, ...wanted }, failure)
}

/** Waits until the group is empty, and checks that it has no dead letters. */
export async function assertGroupEmpty(kit: Kit, queue: Queue, task: Task): Promise<void> {
  const { topic, group } = groupOf(task)
  await kit.until(
    'the group to be empty',
    async () => {
      const { ready, inFlight, delayed } = await queue.stats(topic, group)
      return (ready ?? 0) + (inFlight ?? 0) + (delayed ?? 0) === 0
    },
    { timeoutMs: 15_000 },
  )
  assert.deepEqual(await queue.deadLetters(topic, group).list(), [])
}

/** Accepts only numbers. */
export const onlyNumbers: StandardSchema = {
  '~standard': {
    version: 1,
    vendor: 'mq',
    validate: (value) => (typeof value === 'number' ? { value } : { issues: [{ message: 'must be a number' }] }),
  },
}
