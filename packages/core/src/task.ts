import { MqError } from './errors.js'
import type { Log } from './log.js'
import { requireName } from './names.js'
import { requireDuration, requireFunction, requireOptions, shown } from './options.js'
import type { Queue } from './queue.js'
import type { RetryOptions } from './retry.js'
import { retryPolicy } from './retry.js'
import { isStandardSchema, type SchemaInput, type SchemaOutput, type StandardSchema } from './schema.js'

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
  readonly timeoutMs?: number
  /** Like a handler: it may run more than once for one enqueue. */
  execute(input: Input, context: TaskContext): Result | Promise<Result>
}

export interface TaskContext {
  readonly id: string
  readonly task: string
  readonly attempt: number
  /** When it was enqueued. */
  readonly time: Date
  readonly headers: Readonly<Record<string, string>>
  /** As a handler's: aborts on a timeout, when the task is no longer this worker's, and when the worker stops. */
  readonly signal: AbortSignal
  readonly queue: Queue
  readonly log: Log
}

const maxTaskNameLength = 90

/** A task without a class. Input and result are inferred. Throws like `defineEvent`. */
export function defineTask<Schema extends StandardSchema, Result>(task: {
  readonly name: string
  readonly input: Schema
  readonly retry?: RetryOptions | false
  readonly timeoutMs?: number
  execute(input: SchemaOutput<Schema>, context: TaskContext): Result | Promise<Result>
}): Task<SchemaOutput<Schema>, Result, SchemaInput<Schema>>
/** A task whose input is typed but not validated. */
export function defineTask<Input, Result>(task: {
  readonly name: string
  readonly input?: undefined
  readonly retry?: RetryOptions | false
  readonly timeoutMs?: number
  execute(input: Input, context: TaskContext): Result | Promise<Result>
}): Task<Input, Result>
export function defineTask(task: object): Task {
  requireTask(task)
  return Object.freeze(task)
}

/** Throws a `TypeError` for what is no task and `MQ_INVALID_NAME` for a name that cannot be part of a topic's. */
export function requireTask(task: unknown): asserts task is Task {
  requireOptions(task, 'A task')
  const { execute, input, retry, timeoutMs } = task as Partial<Task>
  const name = requireName((task as Partial<Task>).name, 'name of the task')
  if (name.length > maxTaskNameLength) {
    const limit = `${maxTaskNameLength} are allowed, so that its topic and its group fit`
    throw new MqError('MQ_INVALID_NAME', `The name of the task has ${name.length} characters; ${limit}`)
  }
  requireFunction(execute, `execute of the task '${name}'`)
  if (input !== undefined && !isStandardSchema(input)) {
    throw new TypeError(`The input of the task '${name}' must implement Standard Schema version 1, not ${shown(input)}`)
  }
  retryPolicy(retry)
  if (timeoutMs !== undefined) requireDuration(timeoutMs, 'timeoutMs', 1)
}
