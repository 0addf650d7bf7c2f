import type { GroupRef, TargetRef } from '@mq/core/adapter'
import { type ForeignForm, foreignStream, hashTagOf } from './foreign-topic.js'

/** The keys of a topic. They share a hash tag, so that all keys of a script lie in one slot of a cluster. */
export interface TopicKeys {
  /** Stream: the messages. Every group is a consumer group of the same name. */
  readonly stream: string
  /** Sorted set: delayed messages by due time. Their fields are in `delayedData`. */
  readonly delayed: string
  readonly delayedData: string
  /** Counter. A publish that waits for copies writes it, so that there is something to wait for. Older versions name members by it. */
  readonly seq: string
  /** Sets: recently published ids, in two generations. */
  readonly ids: string
  readonly idsOld: string
  /** Hash: the declared groups. It distinguishes a group that vanished from one that never existed. */
  readonly groups: string
  /** Sorted set: ephemeral subscriptions, by the time until which they count as present. */
  readonly listeners: string
  /** Hash: where the stream ended when a group was deleted, for consumers of it that still run. */
  readonly deleted: string
  /** Counter that expires: exists for a moment after the stream was trimmed. */
  readonly trimmed: string
  /** Hash: the marks of groups that are paused, as JSON. */
  readonly paused: string
  /** Stream without entries: a group may be read by plain commands as long as it is a consumer group here, too. */
  readonly gate: string
  /** Sorted set with scores of 0: messages that a group does not take, though the topic still has them. */
  readonly skipped: string
  /** Sorted set: consumers of groups, by the time until which they count as present. */
  readonly consumers: string
}

/** The keys of a group. */
export interface GroupKeys {
  /** Stream: messages whose next attempt is due. */
  readonly retry: string
  /** Sorted set: messages that wait for their next attempt, by due time. Their fields are in `dueData`. */
  readonly due: string
  readonly dueData: string
  /** Stream: dead letters. */
  readonly dead: string
  /** Hash: with `ordered`, the message that runs now for each key. The keys are SHA-1 hashes. */
  readonly lanes: string
  /** Sorted set: messages that wait for another of their key. */
  readonly waiting: string
  /** Set: keys of which messages wait and none runs. */
  readonly open: string
  /** Hash: when the runs of messages began whose claims were renewed. */
  readonly started: string
}

/** Sorted set: the names of all topics. It lies in a slot of its own, and no topic has it: their keys go on with a brace. */
export const topicsKey = (prefix: string): string => `${prefix}:topics`

/** Names contain neither `:` nor braces, so no two topics share a key. */
export function topicKeys(prefix: string, topic: string): TopicKeys {
  return topicKeysBelow(`${prefix}:{${topic}}`)
}

function topicKeysBelow(base: string): TopicKeys {
  return {
    stream: `${base}:stream`,
    delayed: `${base}:delayed`,
    delayedData: `${base}:delayed:data`,
    seq: `${base}:seq`,
    ids: `${base}:ids`,
    idsOld: `${base}:ids:old`,
    groups: `${base}:groups`,
    listeners: `${base}:listeners`,
    deleted: `${base}:deleted`,
    trimmed: `${base}:trimmed`,
    paused: `${base}:paused`,
    gate: `${base}:gate`,
    skipped: `${base}:skipped`,
    consumers: `${base}:consumers`,
  }
}

function groupKeysBelow(topicBase: string, group: string): GroupKeys {
  const base = `${topicBase}:group:${group}`
  return {
    retry: `${base}:retry`,
    due: `${base}:due`,
    dueData: `${base}:due:data`,
    dead: `${base}:dead`,
    lanes: `${base}:lanes`,
    waiting: `${base}:waiting`,
    open: `${base}:open`,
    started: `${base}:started`,
  }
}

/** A group of a topic, and all keys that its scripts use. */
export interface GroupPlace extends GroupRef {
  /** The name of the consumer group. In a stream of other programs it is one that nobody else uses. */
  readonly consumerGroup: string
  /** How entries hold a message, if other programs own the stream. It is then never created, trimmed or deleted. */
  readonly form: ForeignForm | undefined
  readonly keys: TopicKeys & GroupKeys
}

export function placeOf(prefix: string, { topic, group, at }: TargetRef): GroupPlace {
  if (at !== undefined) {
    const { stream, form } = foreignStream(at)
    // No topic of ours has a key that goes on with `at:` behind the hash tag.
    const base = `${prefix}:{${hashTagOf(stream) ?? ''}}:at:${topic}`
    const keys = { ...topicKeysBelow(base), ...groupKeysBelow(base, group), stream }
    return { topic, group, consumerGroup: `${prefix}:${topic}:${group}`, form, keys }
  }
  const base = `${prefix}:{${topic}}`
  const keys = { ...topicKeysBelow(base), ...groupKeysBelow(base, group) }
  return { topic, group, consumerGroup: group, form: undefined, keys }
}
