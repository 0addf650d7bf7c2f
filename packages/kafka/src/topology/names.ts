import { brokerName, type GroupRef } from '@mq/core/adapter'

/** Parts are joined by `--`, so that what follows `---` cannot be a part. */
const suffixed = (name: string, kind: 'delay' | 'retry' | 'dead'): string => `${name}---${kind}`

/** The names at the broker. Injective: see `brokerName` in @mq/core. */
export function createNames(prefix: string | undefined) {
  const name = (...parts: string[]): string => brokerName(prefix === undefined ? parts : [prefix, ...parts])
  return {
    /** What was published. */
    topic: (topic: string): string => name(topic),
    /** What was published with a delay. */
    delay: (topic: string): string => suffixed(name(topic), 'delay'),
    /** What a group tries again, or has been told to wait with. */
    retry: ({ topic, group }: GroupRef): string => suffixed(name(topic, group), 'retry'),
    /** What a group gave up on, and the notes about the group itself. */
    dead: ({ topic, group }: GroupRef): string => suffixed(name(topic, group), 'dead'),
    /** The consumer group. */
    group: ({ topic, group }: GroupRef): string => name(topic, group),
  }
}

export type Names = ReturnType<typeof createNames>
