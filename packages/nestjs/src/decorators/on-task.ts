import type { Task, TaskContext, WorkerOptions } from '@mq/core'
import type { Observable } from 'rxjs'
import { mark, requireGiven } from './marks.js'
import type { MethodDecoratorOf, OfQueue } from './on-message.js'

/**
 * Makes a method of a provider or a controller the worker of a task. The method gets the input and core's `TaskContext`, and takes the
 * place of the task's `execute`. The task's name, schema, retry policy, time limit and `onLastFailure` count as they are.
 */
export function OnTask<Input, Result, Enqueued = Input>(
  task: Task<Input, Result, Enqueued>,
  { queue, ...options }: WorkerOptions & OfQueue = {},
): MethodDecoratorOf<(input: Input, context: TaskContext) => Result | Promise<Result> | Observable<Result>> {
  requireGiven(task, 'task')
  return (owner, key, descriptor) => mark({ kind: 'task', task: task as Task, queue, options }, owner, key, descriptor)
}
