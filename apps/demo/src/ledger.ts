import type { WorkerEvent } from './worker.js'

/** The reports of a worker on one task, combined. */
interface TaskRecord {
  /** The reason of each failed run that was retried. */
  readonly retries: string[]
  end?: 'done' | 'dead'
  /** Why the task is dead. */
  reason?: string
  result?: unknown
}

export interface Ledger {
  record(event: WorkerEvent): void
  get(taskId: string): TaskRecord | undefined
  isOver(taskId: string): boolean
  /** Counts the tasks of that name that have ended. */
  over(task: string): number
  /** Counts the tasks of that name that were enqueued for an event. */
  routed(task: string): number
  retries(): number
  /** Lists the reasons of all failed runs of that task that were retried. */
  retriesOf(task: string): readonly string[]
}

/** Returns the id of the task that `scheduler.route` enqueues for an event. */
export const routedTask = (eventId: string, task: string): string => `${eventId}/${task}`

const taskTopic = 'task.'
const routeGroup = 'on.'

/**
 * Keeps the reports of workers on the tasks whose id begins with `run`, by that id. A report that comes twice changes nothing but
 * the number of retries.
 */
export function createLedger(run: string): Ledger {
  const records = new Map<string, TaskRecord>()
  const over = new Map<string, Set<string>>()
  const routed = new Map<string, Set<string>>()
  let retries = 0

  const recordOf = (id: string): TaskRecord => {
    const record = records.get(id) ?? { retries: [] }
    records.set(id, record)
    return record
  }
  const add = (sets: Map<string, Set<string>>, task: string, id: string): void => {
    sets.set(task, (sets.get(task) ?? new Set()).add(id))
  }
  const die = (id: string, reason: string): void => {
    const record = recordOf(id)
    record.end = 'dead'
    record.reason = reason
  }
  const settled = (event: Extract<WorkerEvent, { type: 'settled' }>): void => {
    const { topic, group, id, settlement, reason = 'no reason was given' } = event
    if (settlement === 'retry') retries += 1
    if (topic.startsWith(taskTopic)) {
      const task = topic.slice(taskTopic.length)
      if (settlement === 'retry') recordOf(id).retries.push(reason)
      if (settlement === 'dead') die(id, reason)
      if (settlement === 'done') recordOf(id).end = 'done'
      if (settlement === 'dead' || settlement === 'done') add(over, task, id)
      return
    }
    const task = group.slice(routeGroup.length)
    if (settlement === 'done') add(routed, task, id)
    if (settlement === 'dead') die(routedTask(id, task), `${topic} became no task: ${reason}`)
  }

  return {
    record(event) {
      if (event.type === 'ready' || !event.id.startsWith(run)) return
      if (event.type === 'settled') settled(event)
      else recordOf(event.id).result = event.result
    },
    get: (taskId) => records.get(taskId),
    isOver: (taskId) => records.get(taskId)?.end !== undefined,
    over: (task) => over.get(task)?.size ?? 0,
    routed: (task) => routed.get(task)?.size ?? 0,
    retries: () => retries,
    retriesOf: (task) => [...records].flatMap(([id, record]) => (id.endsWith(`/${task}`) ? record.retries : [])),
  }
}
