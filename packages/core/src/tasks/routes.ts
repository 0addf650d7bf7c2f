import { refuseUnknown, requireOptions } from '../contract/checks/options.js'
import { requireFunction } from '../contract/checks/values.js'
import type { EventDefinition } from '../contract/event.js'
import type { Message } from '../contract/message.js'
import { requireName } from '../contract/names.js'
import type { Queue, Target } from '../contract/queue.js'
import { derivedId, passedOnKey } from './derived-id.js'
import type { Registration } from './registrations.js'
import { storeRequired } from './require-store.js'
import { eventOf, requireTask, type Task } from './task.js'
import { type EnqueueOptions, type RouteOptions, routeOptionNames } from './task-options.js'

export interface RouteParts {
  readonly queue: Queue
  readonly hasStore: boolean
  readonly enqueue: (task: Task, input: unknown, options: EnqueueOptions) => Promise<unknown>
}

export interface Route {
  readonly event: Target
  readonly task: Task
  readonly toInput: unknown
  readonly options: RouteOptions<never>
}

/** Checks a route from an event to a task, and returns its registration. Throws as `TaskScheduler.route` does. */
export function routeRegistration(
  { event, task, toInput, options }: Route,
  { queue, hasStore, enqueue }: RouteParts,
): Registration & { readonly name: string } {
  requireTask(task)
  requireFunction(toInput, 'toInput')
  requireOptions(options, 'The options of route')
  refuseUnknown(options, routeOptionNames, 'route')
  const { idempotencyKey, key: keyFor = keyOf, ...subscribe } = options
  if (idempotencyKey !== undefined) {
    requireFunction(idempotencyKey, 'idempotencyKey')
    if (!hasStore) throw storeRequired('An idempotencyKey')
  }
  requireFunction(keyFor, 'key')
  const source = isTask(event) ? eventOf(event) : event
  const topic = requireName(typeof source === 'string' ? source : source.name, 'topic')
  const handler = async (message: Message<never>): Promise<void> => {
    const input: unknown = await (toInput as (message: Message) => unknown)(message)
    if (input === undefined) return
    const key = keyFor(message)
    await enqueue(task, input, {
      id: derivedId(message.id, task.name),
      ...(key !== undefined && { key }),
      ...(idempotencyKey !== undefined && { idempotencyKey: idempotencyKey(message) }),
    })
  }
  const group = `on.${task.name}`
  return {
    name: `route ${topic} ${task.name}`,
    what: `A route from '${topic}' to '${task.name}'`,
    start: () => queue.subscribe(source as EventDefinition<unknown, never>, handler, { ...subscribe, group }),
  }
}

const isTask = (event: Target): event is Task => typeof event === 'object' && typeof event?.execute === 'function'

const keyOf = ({ key }: Message): string | undefined => (key === undefined ? undefined : passedOnKey(key))
