import type { DeliveredMessage, Target } from '@mq/core'

/** A schedule's replicas exchange ticks over it. Each tick begins a trace of its own, or one trace would never end. */
export const isOfSchedule = (topic: string): boolean => topic.startsWith('schedule.')

/** Whether a delivery belongs to the library: every process gets the replies, cancellations and announcements of all others. */
export const isBroadcast = ({ topic, ephemeral }: DeliveredMessage): boolean =>
  ephemeral && (topic === 'task-replies' || topic === 'task-control' || isOfSchedule(topic))

/** Returns the name of the topic that a target stands for. */
export function topicOf(target: Target): string {
  if (typeof target === 'string') return target
  return isTask(target) ? `task.${target.name}` : target.name
}

export const isTask = (target: Target): boolean => typeof target === 'object' && 'execute' in target

/** The group of a task's workers. */
export const workersGroup = 'workers'
