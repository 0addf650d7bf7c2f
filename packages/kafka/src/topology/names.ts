import { brokerName, type GroupRef } from '@mq/core/adapter'

/** Parts are joined by `--`, so no part can contain what follows `---`. */
const suffixed = (name: string, kind: 'delay' | 'retry' | 'dead'): string => `${name}---${kind}`

/**
 * Makes the names at the broker. No two have the same name: see `brokerName` in @mq/core.
 *
 * See docs/decisions/0003-names-at-the-broker.md.
 */
export function createNames(prefix: string | undefined) {
  const name = (...parts: string[]): string => brokerName(prefix === undefined ? parts : [prefix, ...parts])
  return {
    /** The topic of published messages. */
    topic: (topic: string): string => name(topic),
    /** The topic of messages that were published with a delay. */
    delay: (topic: string): string => suffixed(name(topic), 'delay'),
    /** The topic of messages that a group retries, or that wait for their time. */
    retry: ({ topic, group }: GroupRef): string => suffixed(name(topic, group), 'retry'),
    /** The topic of a group's dead letters and of its notes about itself. */
    dead: ({ topic, group }: GroupRef): string => suffixed(name(topic, group), 'dead'),
    /** The consumer group. */
    group: ({ topic, group }: GroupRef): string => name(topic, group),
  }
}

export type Names = ReturnType<typeof createNames>
