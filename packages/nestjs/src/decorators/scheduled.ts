import type { ScheduleRule, Task, TaskContext } from '@mq/core'
import type { Observable } from 'rxjs'
import { mark, requireGiven } from './marks.js'
import type { MethodDecoratorOf, OfQueue } from './on-message.js'

/** The rule of a schedule, and the input of the runs that it enqueues. */
export type ScheduledOptions<Input> = ScheduleRule &
  OfQueue & {
    /** The name of the schedule. Schedules of one queue need different names. Default: that of the task. */
    readonly name?: string | undefined
  } & ScheduledInput<Input>

/** The input of each run. It may be left out if the task takes null. */
export type ScheduledInput<Input> = null extends Input ? { readonly input?: Input } : { readonly input: Input }

/**
 * Enqueues a task at every tick of a rule, once for all replicas of the application, as `TaskScheduler.schedule` says. The method is the
 * worker of the task, as with `@OnTask(task)`; options of the worker go into an `@OnTask` of its own beside this decorator. A method may
 * have several schedules, each with its own name.
 */
export function Scheduled<Input, Result, Enqueued = Input>(
  task: Task<Input, Result, Enqueued>,
  options: ScheduledOptions<NoInfer<Enqueued>>,
): MethodDecoratorOf<(input: Input, context: TaskContext) => Result | Promise<Result> | Observable<Result>> {
  requireGiven(task, 'schedule')
  const { queue, name = task.name, input = null, ...rule } = options
  return (owner, key, descriptor) =>
    mark({ kind: 'schedule', task: task as Task, queue, name, rule, input }, owner, key, descriptor)
}
