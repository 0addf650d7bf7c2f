import type { GroupRef } from '@mq/core/adapter'

/** The keys of a topic. They share a hash tag, so that all keys of a script lie in one slot of a cluster. */
export interface TopicKeys {
  /** Stream: the messages. Every group is a consumer group of the same name. */
  readonly stream: string
  /** Sorted set: delayed messages by due time. Their fields are in `delayedData`. */
  readonly delayed: string
  readonly delayedData: string
  /** Counter that names delayed entries. */
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
}

/** Names contain neither `:` nor braces, so no two topics share a key. */
export function topicKeys(prefix: string, topic: string): TopicKeys {
  const base = `${prefix}:{${topic}}`
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
  }
}

function groupKeys(prefix: string, { topic, group }: GroupRef): GroupKeys {
  const base = `${prefix}:{${topic}}:group:${group}`
  return {
    retry: `${base}:retry`,
    due: `${base}:due`,
    dueData: `${base}:due:data`,
    dead: `${base}:dead`,
    lanes: `${base}:lanes`,
    waiting: `${base}:waiting`,
    open: `${base}:open`,
  }
}

/** A group of a topic, and all keys that its scripts use. */
export interface GroupPlace extends GroupRef {
  readonly keys: TopicKeys & GroupKeys
}

export const placeOf = (prefix: string, ref: GroupRef): GroupPlace => ({
  ...ref,
  keys: { ...topicKeys(prefix, ref.topic), ...groupKeys(prefix, ref) },
})
