import { keysOf } from '../contract/checks/options.js'
import { shown } from '../contract/checks/shown.js'
import { MqError } from '../contract/errors.js'
import { defineEvent } from '../contract/event.js'
import type { TaskFailure } from '../contract/failure.js'

export interface TaskCompletedEvent {
  /** The id of the task. The id of the event is `<id>/completed`. */
  readonly id: string
  readonly task: string
  readonly attempt: number
  readonly result?: unknown
}

export interface TaskFailedEvent {
  /** The id of the task. The id of the event is `<id>/failed`. */
  readonly id: string
  readonly task: string
  readonly failure: TaskFailure
}

/** The event that each task publishes whose `events` has `completed`. */
export const taskCompleted = defineEvent<TaskCompletedEvent>('task.completed')
/** The event that each task publishes after its last attempt whose `events` has `failed`. */
export const taskFailed = defineEvent<TaskFailedEvent>('task.failed')

export type TaskEventName = 'completed' | 'failed'

/** Names that no task can have, because its topic would be that of an event. */
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
