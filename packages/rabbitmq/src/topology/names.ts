import { brokerName, type GroupRef } from '@mq/core/adapter'

/** What this adapter calls its exchanges and queues. All begin with the prefix, so that one permission covers them. */
export function namespaceFor(prefix: string) {
  const named = (...parts: readonly string[]): string => brokerName([prefix, ...parts])
  return {
    /** Where publishers of the topic send to, of whatever library. */
    topic: (topic: string): string => named('topic', topic),
    /** Where delayed messages of the topic come out; what no group takes goes to `unrouted`. */
    dueTopic: (topic: string): string => named('due', topic),
    group: ({ topic, group }: GroupRef): string => named('group', topic, group),
    dead: ({ topic, group }: GroupRef): string => named('dead', topic, group),
    /** Held by the one instance that handles an ordered group. */
    lock: ({ topic, group }: GroupRef): string => named('lock', topic, group),
    ephemeral: ({ topic, group }: GroupRef): string => named('ephemeral', topic, group),
    /** An exchange and a queue. */
    delay: (level: number): string => named('delay', String(level).padStart(2, '0')),
    /** From the last delay to where a message belongs. */
    due: named('delay', 'due'),
    /** An exchange and a queue. */
    unrouted: named('unrouted'),
  }
}

export type Namespace = ReturnType<typeof namespaceFor>
