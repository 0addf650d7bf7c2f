import type { EventDefinition } from '../contract/event.js'
import { requireName, taskTopic } from '../contract/names.js'
import type { Target, TaskTarget } from '../contract/queue.js'
import type { StandardSchema } from '../contract/schema.js'

/** Returns true for a task, which as a target means its enqueued runs. */
export const isTask = (target: unknown): target is TaskTarget =>
  typeof target === 'object' && typeof (target as { execute?: unknown } | null)?.execute === 'function'

/** Returns the name of the topic that a target means. It is not checked. */
export function topicOf(target: Target): string {
  if (typeof target === 'string') return target
  return isTask(target) ? taskTopic(target.name) : target.name
}

/** Returns the event whose messages are the runs of a task. Throws `MQ_INVALID_NAME` for a name that no task can have. */
export function taskEvent(task: TaskTarget): EventDefinition {
  const name = taskTopic(requireName(task.name, 'name of the task'))
  const schema = task.input as StandardSchema | undefined
  return { name, ...(schema && { schema }) }
}

/** Throws a `TypeError` for a task, because only a scheduler can enqueue one. */
export function refuseTask(target: unknown): void {
  if (!isTask(target)) return
  throw new TypeError(`'${target.name}' is a task, and tasks are not published: use scheduler.enqueue(task, input)`)
}

/**
 * Throws a `TypeError` for a task if the options of the subscription name no group. In the group of the workers, the subscription would
 * take runs away from them.
 */
export function requireOwnGroup(target: unknown, options: unknown): void {
  if (!isTask(target)) return
  const { group, ephemeral } = (options ?? {}) as { readonly group?: unknown; readonly ephemeral?: unknown }
  if (group !== undefined || ephemeral === true) return
  const advice = 'run it with scheduler.register(task), or name a group of your own to look at its messages'
  throw new TypeError(`'${target.name}' is a task: ${advice}`)
}
