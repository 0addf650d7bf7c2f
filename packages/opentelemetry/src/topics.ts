import type { DeliveredMessage, Target } from '@mq/core'
import { controlTopic, repliesTopic, taskTopic } from '@mq/core/adapter'

/** A schedule's replicas exchange ticks over it. Each tick begins a trace of its own, or one trace would never end. */
export const isOfSchedule = (topic: string): boolean => topic.startsWith('schedule.')

/** Whether a delivery belongs to the library: every process gets the replies, cancellations and announcements of all others. */
export const isBroadcast = ({ topic, ephemeral }: DeliveredMessage): boolean =>
  ephemeral && (topic === repliesTopic || topic === controlTopic || isOfSchedule(topic))

/** Returns the name of the topic that a target stands for. */
export function topicOf(target: Target): string {
  if (typeof target === 'string') return target
  return isTask(target) ? taskTopic(target.name) : target.name
}

export const isTask = (target: Target): boolean => typeof target === 'object' && 'execute' in target
