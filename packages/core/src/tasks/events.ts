import { keysOf, shown } from '../contract/checks.js'
import { MqError } from '../contract/errors.js'
import { defineEvent } from '../contract/event.js'
import type { TaskFailure } from './finished-task.js'

export interface TaskCompletedEvent {
  /** The task's. The event's own is `<id>/completed`. */
  readonly id: string
  readonly task: string
  readonly attempt: number
  readonly result?: unknown
}

export interface TaskFailedEvent {
  /** The task's. The event's own is `<id>/failed`. */
  readonly id: string
  readonly task: string
  readonly error: TaskFailure
}

/** Published by each task whose `events` has `completed`. */
export const taskCompleted = defineEvent<TaskCompletedEvent>('task.completed')
/** Published by each task whose `events` has `failed`, after its last attempt. */
export const taskFailed = defineEvent<TaskFailedEvent>('task.failed')

export type TaskEventName = 'completed' | 'failed'

/** No task can be called so: its topic would be that of the events. */
export const eventTaskNames: readonly string[] = keysOf<Record<TaskEventName, true>>()({
  completed: true,
  failed: true,
})

export function requireTaskEvents(events: unknown, task: string): void {
  if (events === undefined) return
  if (!Array.isArray(events)) throw new TypeError(`events of the task '${task}' must be an array, not ${shown(events)}`)
  const unknown = events.find((name) => !eventTaskNames.includes(name))
  if (unknown === undefined) return
  throw new MqError(
    'MQ_INVALID_OPTION',
    `The task '${task}' has no event ${shown(unknown)}. There are: completed, failed`,
  )
}
