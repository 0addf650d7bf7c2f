import { type MessageState, MqError } from '@mq/core/adapter'

/** The place of a message in a list that is ordered by time. */
export interface Place {
  readonly dueMs: number
  /** The letter of its topic, and its partition. */
  readonly name: string
  readonly offset: number
}

/** The beginning of the next page of a list. */
export interface Cursor {
  /** The offset from which each partition is read, by the letter of its topic and its number. Others have nothing left. */
  readonly from: ReadonlyMap<string, number>
  /** The last message that was shown of what is read from there. */
  readonly behind?: Place | undefined
}

const format =
  /^(ready|delayed|retrying)!((?:[mdr]\d{1,9}:\d{1,16})(?:,[mdr]\d{1,9}:\d{1,16})*)(?:!(\d{1,16})\.([mdr]\d{1,9})\.(\d{1,16}))?$/

export function encodeCursor(state: MessageState, { from, behind }: Cursor): string {
  const parts = [...from].map(([name, offset]) => `${name}:${offset}`).join(',')
  const place = behind === undefined ? '' : `!${behind.dueMs}.${behind.name}.${behind.offset}`
  return `${state}!${parts}${place}`
}

/** Throws `MQ_INVALID_OPTION` for a text that is not the next of a page of this list. */
export function decodeCursor(state: MessageState, text: string): Cursor {
  const [, of, parts = '', dueMs, name = '', offset] = format.exec(text) ?? []
  if (of !== state) throw new MqError('MQ_INVALID_OPTION', 'after is not the next of a page of this list')
  const from = new Map(
    parts.split(',').map((part) => [part.slice(0, part.indexOf(':')), Number(part.slice(part.indexOf(':') + 1))]),
  )
  return dueMs === undefined ? { from } : { from, behind: { dueMs: Number(dueMs), name, offset: Number(offset) } }
}

/** Returns whether the first of two places comes later. */
export function isBehind(one: Place, other: Place): boolean {
  if (one.dueMs !== other.dueMs) return one.dueMs > other.dueMs
  if (one.name !== other.name) return one.name > other.name
  return one.offset > other.offset
}
