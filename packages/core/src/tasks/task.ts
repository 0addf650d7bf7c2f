import { retryPolicy } from '../consume/retry.js'
import { requireOptions } from '../contract/checks/options.js'
import { shown } from '../contract/checks/shown.js'
import { requireDuration, requireFunction } from '../contract/checks/values.js'
import { MqError } from '../contract/errors.js'
import type { EventDefinition } from '../contract/event.js'
import type { Failure } from '../contract/failure.js'
import type { HandlerContext } from '../contract/handler.js'
import type { Log } from '../contract/log.js'
import { requireName } from '../contract/names.js'
import type { Queue } from '../contract/queue.js'
import type { RetryOptions } from '../contract/retry-options.js'
import { isStandardSchema, type SchemaInput, type SchemaOutput, type StandardSchema } from '../contract/schema.js'
import { eventTaskNames, requireTaskEvents, type TaskEventName } from './events.js'
import { taskTopic } from './wire.js'

/**
 * A piece of work that one process enqueues and a worker does. `defineTask` makes one. A class with its dependencies in the constructor
 * satisfies it too.
 */
export interface Task<Input = unknown, Result = unknown, Enqueued = Input> {
  /** A name like that of a topic, but of at most 90 characters. The topic is `task.<name>`, the group of the workers `workers`. */
  readonly name: string
  /** Validates the input when it is enqueued and again when it is executed. The schema's transformations apply to the worker's side. */
  readonly input?: StandardSchema<Enqueued, Input> | undefined
  /** The retry policy. `false` is a single attempt. Default: the queue's. */
  readonly retry?: RetryOptions | false | undefined
  /** How long a run may take. Then the signal aborts and the attempt has failed. Default: the adapter's `maxHandlerMs`. */
  readonly timeoutMs?: number | undefined
  /** The domain events that it publishes at its end: `task.completed`, and `task.failed` after its last attempt. Default: none. */
  readonly events?: readonly TaskEventName[] | undefined
  /** Does the work. Like a handler it may run more than once for one enqueue. */
  execute(input: Input, context: TaskContext): Result | Promise<Result>
  /** Called just before the task becomes a dead letter, like `SubscribeOptions.onLastFailure`. */
  onLastFailure?(failed: FailedTask, context: HandlerContext): unknown
}

/** A task that will not be tried again. */
export interface FailedTask {
  readonly id: string
  readonly task: string
  /** The input as it was enqueued, not validated. Undefined if it could not be read. */
  readonly input: unknown
  readonly headers: Readonly<Record<string, string>>
  readonly failure: Failure
}

export interface TaskContext {
  readonly id: string
  readonly task: string
  readonly attempt: number
  /** The time of the enqueue. */
  readonly time: Date
  readonly headers: Readonly<Record<string, string>>
  /** Aborts when the time is over, when the task is cancelled, when another worker owns it, and when the worker stops. */
  readonly signal: AbortSignal
  readonly queue: Queue
  readonly log: Log
  /**
   * Reports to the task's caller how far the task is, from 0 to 1. Progress is sent at most ten times a second, and the last update always
   * is. An update that cannot be sent is left out. Throws a `TypeError` or `MQ_INVALID_OPTION` if `fraction` is not from 0 to 1.
   */
  progress(fraction: number, note?: string): void
}

const maxTaskNameLength = 90

/** Defines a task without a class. Input and result are inferred. Throws like `defineEvent`. */
export function defineTask<Schema extends StandardSchema, Result>(task: {
  readonly name: string
  readonly input: Schema
  readonly retry?: RetryOptions | false | undefined
  readonly timeoutMs?: number | undefined
  readonly events?: readonly TaskEventName[] | undefined
  execute(input: SchemaOutput<Schema>, context: TaskContext): Result | Promise<Result>
  onLastFailure?(failed: FailedTask, context: HandlerContext): unknown
}): Task<SchemaOutput<Schema>, Result, SchemaInput<Schema>>
/** Defines a task whose input is typed but not validated. */
export function defineTask<Input, Result>(task: {
  readonly name: string
  readonly input?: undefined
  readonly retry?: RetryOptions | false | undefined
  readonly timeoutMs?: number | undefined
  readonly events?: readonly TaskEventName[] | undefined
  execute(input: Input, context: TaskContext): Result | Promise<Result>
  onLastFailure?(failed: FailedTask, context: HandlerContext): unknown
}): Task<Input, Result>
export function defineTask(task: object): Task {
  requireTask(task)
  return Object.freeze(task)
}

/** Throws a `TypeError` if the value is not a task, and `MQ_INVALID_NAME` if its name cannot be a part of a topic's. */
export function requireTask(task: unknown): asserts task is Task {
  requireOptions(task, 'A task')
  const { execute, input, retry, timeoutMs, events, onLastFailure } = task as Partial<Task>
  const name = requireName((task as Partial<Task>).name, 'name of the task')
  if (name.length > maxTaskNameLength) {
    const limit = `${maxTaskNameLength} are allowed, so that its topic and its group fit`
    throw new MqError('MQ_INVALID_NAME', `The name of the task has ${name.length} characters; ${limit}`)
  }
  if (eventTaskNames.includes(name)) {
    throw new MqError('MQ_INVALID_NAME', `No task can be named '${name}': task.${name} is the event of all tasks`)
  }
  requireFunction(execute, `execute of the task '${name}'`)
  if (input !== undefined && !isStandardSchema(input)) {
    throw new TypeError(`The input of the task '${name}' must implement Standard Schema version 1, not ${shown(input)}`)
  }
  retryPolicy(retry)
  if (timeoutMs !== undefined) requireDuration(timeoutMs, 'timeoutMs', 1)
  requireTaskEvents(events, name)
  if (onLastFailure !== undefined) requireFunction(onLastFailure, `onLastFailure of the task '${name}'`)
}

/** Returns the event whose messages are the enqueued runs of a task. */
export function eventOf<Input, Enqueued>(task: Task<Input, unknown, Enqueued>): EventDefinition<Enqueued, Input> {
  requireTask(task)
  return { name: taskTopic(task.name), ...(task.input && { schema: task.input }) }
}
