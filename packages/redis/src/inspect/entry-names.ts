import { createHash } from 'node:crypto'
import { isEntryId } from '../wire/entry-id.js'

/**
 * The place of an entry: `m` for the topic's stream and `r` for the group's own, `d` for the messages that wait for their retries, and `t`
 * for the delayed messages of the topic.
 */
export type WaitingKind = 'm' | 'r' | 'd' | 't'

export interface WaitingName {
  readonly kind: WaitingKind
  /** The id of an entry, or the member of a sorted set as Latin-1, because other programs may have chosen any bytes. */
  readonly name: string
}

/** Makes names of entries that no other group has, though groups share the entries of a topic. */
export function entryNames(consumerGroup: string) {
  const own = `${createHash('sha256').update(consumerGroup).digest('hex').slice(0, 8)}-`
  return {
    nameOf: ({ kind, name }: WaitingName): string => `${own}${kind}-${name}`,
    /** Returns the names that this group has given. */
    parse: (entryIds: readonly string[]): readonly WaitingName[] =>
      [...new Set(entryIds)].flatMap((entryId) => {
        const [, tag, kind, name = ''] = /^([0-9a-f]{8}-)([mrdt])-(.+)$/s.exec(entryId) ?? []
        if (tag !== own || !isLatin1(name)) return []
        if ((kind === 'm' || kind === 'r') && !isEntryId(name)) return []
        return [{ kind: kind as WaitingKind, name }]
      }),
  }
}

const isLatin1 = (text: string): boolean => Buffer.from(text, 'latin1').toString('latin1') === text
