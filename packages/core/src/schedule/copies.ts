import { randomUUID } from 'node:crypto'
import type { Message } from '../message.js'
import type { TaskStore } from '../task-store.js'

const copyHeader = 'schedule-copy'

/** Of the task's message. The copy's name tells two enqueues of one tick from two deliveries of one message. */
export const headersOf = (schedule: string, time: number): Record<string, string> => ({
  schedule,
  'schedule-tick': new Date(time).toISOString(),
  [copyHeader]: randomUUID(),
})

/** Longer than a task waits for a worker in a week of trouble. */
const rememberMs = 14 * 24 * 60 * 60 * 1000

/**
 * Whether another copy of this run was begun by any worker with the same store: then this one is to be passed over. False for
 * whatever no schedule has enqueued, and each time that the copy which was first is delivered again. Rejects as the store does.
 */
export async function isSecondCopy(store: TaskStore | undefined, task: string, message: Message): Promise<boolean> {
  const copy = message.headers[copyHeader]
  if (store === undefined || copy === undefined) return false
  const first = await store.claim(`tick:${task}:${message.id}`, copy, { ttlMs: rememberMs })
  return first !== copy
}
