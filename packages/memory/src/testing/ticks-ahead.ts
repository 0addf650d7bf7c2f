import { scheduleTopic } from '@mq/core/adapter'
import type { DelayedMessage } from '../idle.js'

/**
 * Says whether a delayed message is the tick that a schedule leaves at the broker ahead of its time. There is always one, so a
 * test that waits until nothing is delayed has to leave it out.
 */
export function isTickAhead(delayed: DelayedMessage): boolean {
  const { topic, key, id } = delayed
  return key !== undefined && topic === scheduleTopic(key) && id.startsWith(`${key}@`)
}
