import type { RetryOptions } from '../consume/retry.js'
import { retryPolicy } from '../consume/retry.js'
import { requireDuration, requireFunction, requireOptions, shown } from '../contract/checks.js'
import { MqError } from '../contract/errors.js'
import type { Failure } from '../contract/failure.js'
import type { HandlerContext } from '../contract/handler.js'
import type { Log } from '../contract/log.js'
import { requireName } from '../contract/names.js'
import type { Queue } from '../contract/queue.js'
import { isStandardSchema, type SchemaInput, type SchemaOutput, type StandardSchema } from '../contract/schema.js'
import { eventTaskNames, requireTaskEvents, type TaskEventName } from './events.js'

/**
 * A piece of work that is asked for now and done by a worker. A class with its dependencies in the constructor satisfies it,
 * and so does what `defineTask` returns.
 */
export interface Task<Input = unknown, Result = unknown, Enqueued = Input> {
  /** As a topic's, but at most 90 characters: its topic is `task.<name>`, the group of its workers `workers`. */
  readonly name: string
  /** Validates the input as it is enqueued and, with the schema's transformations, as it is executed. */
  readonly input?: StandardSchema<Enqueued, Input>
  readonly retry?: RetryOptions | false
  /** After this time the signal aborts and the attempt has failed. */
  readonly timeoutMs?: number
  /** Which domain events it publishes when it has ended: `task.completed`, and `task.failed` after its last attempt. */
  readonly events?: readonly TaskEventName[]
  /** Like a handler: it may run more than once for one enqueue. */
  execute(input: Input, context: TaskContext): Result | Promise<Result>
  /** Told just before the task becomes a dead letter, as `SubscribeOptions.onLastFailure`. */
  onLastFailure?(failed: FailedTask, context: HandlerContext): unknown
}

/** A task that will not be tried again. */
export interface FailedTask {
  readonly id: string
  readonly task: string
  /** As it was enqueued: no schema has looked at it. Undefined where it could not be read. */
  readonly input: unknown
  readonly headers: Readonly<Record<string, string>>
  readonly failure: Failure
}

export interface TaskContext {
  readonly id: string
  readonly task: string
  readonly attempt: number
  /** When it was enqueued. */
  readonly time: Date
  readonly headers: Readonly<Record<string, string>>
  /** Aborts on a timeout, when the task is cancelled or no longer this worker's, and when the worker stops. */
  readonly signal: AbortSignal
  readonly queue: Queue
  readonly log: Log
  /**
   * Tells whoever waits for the result how far the task is, from 0 to 1. At most ten steps a second leave, the latest and the
   * last one among them. One that cannot be sent is left out. Throws a `TypeError` or `MQ_INVALID_OPTION` for what is no fraction.
   */
  progress(fraction: number, note?: string): void
}

const maxTaskNameLength = 90

/** A task without a class. Input and result are inferred. Throws like `defineEvent`. */
export function defineTask<Schema extends StandardSchema, Result>(task: {
  readonly name: string
  readonly input: Schema
  readonly retry?: RetryOptions | false
  readonly timeoutMs?: number
  readonly events?: readonly TaskEventName[]
  execute(input: SchemaOutput<Schema>, context: TaskContext): Result | Promise<Result>
  onLastFailure?(failed: FailedTask, context: HandlerContext): unknown
}): Task<SchemaOutput<Schema>, Result, SchemaInput<Schema>>
/** A task whose input is typed but not validated. */
export function defineTask<Input, Result>(task: {
  readonly name: string
  readonly input?: undefined
  readonly retry?: RetryOptions | false
  readonly timeoutMs?: number
  readonly events?: readonly TaskEventName[]
  execute(input: Input, context: TaskContext): Result | Promise<Result>
  onLastFailure?(failed: FailedTask, context: HandlerContext): unknown
}): Task<Input, Result>
export function defineTask(task: object): Task {
  requireTask(task)
  return Object.freeze(task)
}

/** Throws a `TypeError` for what is no task and `MQ_INVALID_NAME` for a name that cannot be part of a topic's. */
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
