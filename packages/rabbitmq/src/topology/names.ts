import { brokerName, type GroupRef } from '@mq/core/adapter'
import type { DelayStep, Lane } from './delays.js'

/** Returns the names of this adapter's exchanges and queues. All begin with the prefix, so that one permission covers them. */
export function namespaceFor(prefix: string) {
  const named = (...parts: readonly string[]): string => brokerName([prefix, ...parts])
  return {
    /** The exchange to which messages of the topic are published, by any library. */
    topic: (topic: string): string => named('topic', topic),
    /** The exchange where delayed messages of the topic arrive when they are due. Those that no group takes go to `unrouted`. */
    dueTopic: (topic: string): string => named('due', topic),
    group: ({ topic, group }: GroupRef): string => named('group', topic, group),
    dead: ({ topic, group }: GroupRef): string => named('dead', topic, group),
    /** The queue that the one instance that moves the messages of an ordered group owns. */
    lock: ({ topic, group }: GroupRef): string => named('lock', topic, group),
    /** One of the queues between which the keys of an ordered group are divided. */
    share: ({ topic, group }: GroupRef, index: number): string => named('share', topic, group, String(index)),
    /** The queue that the one instance that handles a share owns. */
    shareLock: ({ topic, group }: GroupRef, index: number): string => named('lock', topic, group, String(index)),
    /** The queue whose consumers are the instances of an ordered group. */
    roster: ({ topic, group }: GroupRef): string => named('roster', topic, group),
    /** The queue that the one instance that looks at the dead letters of a group owns. */
    turn: ({ topic, group }: GroupRef): string => named('turn', topic, group),
    ephemeral: ({ topic, group }: GroupRef): string => named('ephemeral', topic, group),
    /** The queue that says which group reads a queue of other programs. */
    reader: (hash: string): string => named('reader', hash),
    /** The exchange that leads to the delay queues of a digit, or past them. */
    delays: (lane: Lane, digit: number): string => named('delay-2', lane, String(digit)),
    delay: ({ lane, digit, value }: DelayStep): string =>
      named('delay-2', lane, String(digit), String(value).padStart(2, '0')),
    /** The exchange that leads from the last delay queue to the topic or the group. */
    due: named('delay-2', 'due'),
    /** The same for the delay queues of the first version, in which messages may still wait. */
    firstDue: named('delay', 'due'),
    /** The queue of one process for what tells it that delays are kept. */
    probe: (id: string): string => named('probe', id),
    /** The queue that takes every probe, so that none of a process that has ended counts as unrouted. */
    probes: named('probes'),
    /** An exchange and a queue. */
    unrouted: named('unrouted'),
  }
}

export type Namespace = ReturnType<typeof namespaceFor>
