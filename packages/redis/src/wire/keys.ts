import { createHash } from 'node:crypto'
import type { GroupRef } from '@mq/core/adapter'

/** What one topic has at the broker. All its keys share a hash tag: a script's keys lie in one slot of a cluster. */
export interface TopicKeys {
  /** The messages, with every group as a consumer group of the same name. */
  readonly stream: string
  /** Sorted set: delayed messages by due time. Their fields are in `delayedData`. */
  readonly delayed: string
  readonly delayedData: string
  /** Counter that names delayed entries. */
  readonly seq: string
  /** Sets: ids that were published lately, in two generations. */
  readonly ids: string
  readonly idsOld: string
  /** Hash: the declared groups, so that one that vanished is told from one that never was. */
  readonly groups: string
  /** Sorted set: ephemeral subscriptions, by the time until which they are taken to be there. */
  readonly listeners: string
  /** Hash: where the stream ended when a group was deleted, for consumers that still run. */
  readonly deleted: string
}

/** What one group has beside its consumer group. */
export interface GroupKeys {
  /** Stream: messages that come again, from the moment they are taken for it. */
  readonly retry: string
  /** Sorted set: messages that wait for their next attempt, by due time. Their fields are in `dueData`. */
  readonly due: string
  readonly dueData: string
  /** Stream: dead letters. */
  readonly dead: string
  /** Hash: the message that runs now for each key (a SHA-1), with `ordered`. */
  readonly lanes: string
  /** Sorted set: messages that wait for another of their key. */
  readonly waiting: string
  /** Set: keys with waiting messages and none that runs. */
  readonly open: string
}

/** Names hold neither `:` nor braces, so that no two of these are the same. */
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

export function groupKeys(prefix: string, { topic, group }: GroupRef): GroupKeys {
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

/** A group of a topic, and all keys that it touches. */
export interface GroupPlace extends GroupRef {
  readonly keys: TopicKeys & GroupKeys
}

export const placeOf = (prefix: string, ref: GroupRef): GroupPlace => ({
  ...ref,
  keys: { ...topicKeys(prefix, ref.topic), ...groupKeys(prefix, ref) },
})

/** As the scripts name the lane of a key; none for a message without one. */
export const laneOf = (key: string | undefined): string =>
  key === undefined ? '' : createHash('sha1').update(key).digest('hex')
