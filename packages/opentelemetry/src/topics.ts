import type { DeliveredMessage } from '@mq/core'
import { controlTopic, repliesTopic, scheduleOfTopic } from '@mq/core/adapter'

/** A schedule's replicas exchange ticks over it. Each tick begins a trace of its own, or one trace would never end. */
export const isOfSchedule = (topic: string): boolean => scheduleOfTopic(topic) !== undefined

/** Whether a delivery belongs to the library: every process gets the replies, cancellations and announcements of all others. */
export const isBroadcast = ({ topic, ephemeral }: DeliveredMessage): boolean =>
  ephemeral && (topic === repliesTopic || topic === controlTopic || isOfSchedule(topic))
