import type { Source } from '@mq/core'
import { type GroupKeys, groupKeys, type TopicKeys, topicKeys } from './keys.js'

/** A group of a topic, and all keys that it touches. */
export interface GroupPlace extends Source {
  readonly keys: TopicKeys & GroupKeys
}

export const placeOf = (prefix: string, source: Source): GroupPlace => ({
  ...source,
  keys: { ...topicKeys(prefix, source.topic), ...groupKeys(prefix, source) },
})
