import type { GroupRef } from '@mq/core/adapter'
import { type GroupKeys, groupKeys, type TopicKeys, topicKeys } from './keys.js'

/** A group of a topic, and all keys that it touches. */
export interface GroupPlace extends GroupRef {
  readonly keys: TopicKeys & GroupKeys
}

export const placeOf = (prefix: string, ref: GroupRef): GroupPlace => ({
  ...ref,
  keys: { ...topicKeys(prefix, ref.topic), ...groupKeys(prefix, ref) },
})
