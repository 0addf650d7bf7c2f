import { brokerName, type GroupRef } from '@mq/core/adapter'
import type { DelayStep, Lane } from './delays.js'

/** Returns the names of this adapter's exchanges and queues. All begin with the prefix, so that one permission covers them. */
export function namespaceFor(prefix: string) {
  const named = (...parts: readonly string[]): string => brokerName([prefix, ...parts])
  return {
    /** Returns the parts of a name behind a beginning that ends with an empty part. Returns none if it does not begin so, or is cut. */
    partsBehind: (start: string, name: string): readonly string[] =>
      !name.startsWith(start) || isCut(name) ? [] : name.slice(start.length).replaceAll('-_', '_').split('--'),
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
    /** The queue that holds a message for each paused group. */
    paused: named('paused'),
    /** The queue that the one instance that reads or changes those messages owns. */
    pausing: named('pausing'),
    /** The exchange that tells processes that a group was paused or resumed. */
    signals: named('signals'),
    /** The queue in which one process gets what it is told. */
    signal: (id: string): string => named('signal', id),
    /** An exchange and a queue. */
    unrouted: named('unrouted'),
  }
}

/** Names of parts contain no two hyphens, and a cut one has three before its hash. */
export const isCut = (name: string): boolean => name.includes('---')

const keptOfCut = brokerName(['x'.repeat(1_000)]).indexOf('---')

/** Returns the beginning of all names that begin with this one, even of those that are cut. */
export const beginningOf = (name: string): string => name.slice(0, keptOfCut)

/**
 * Returns the arguments that say what a cut name stands for, so that it can be listed. The broker stores arguments that it does not know,
 * and does not compare them.
 */
export const labelsFor = (name: string, { topic, group }: Partial<GroupRef>): Record<string, string> =>
  isCut(name)
    ? { ...(topic !== undefined && { 'mq-topic': topic }), ...(group !== undefined && { 'mq-group': group }) }
    : {}

/** Reads these arguments. */
export function labelsIn(given: unknown): Partial<GroupRef> {
  const { 'mq-topic': topic, 'mq-group': group } = (given ?? {}) as Readonly<Record<string, unknown>>
  return { ...(typeof topic === 'string' && { topic }), ...(typeof group === 'string' && { group }) }
}

export type Namespace = ReturnType<typeof namespaceFor>
