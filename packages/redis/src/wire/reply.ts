import { type DecodedEntry, decodeEntry } from './entry.js'

/** The stream of an entry: the topic's (`m`), or the group's own stream for retries (`r`). */
export type Kind = 'm' | 'r'

/** An entry that a consumer owns at the broker. */
export interface OwnedEntry {
  readonly kind: Kind
  readonly id: string
  readonly entry: DecodedEntry
  /** The lane in which an ordered consumer got it, and '' without one. */
  readonly lane: string
  /** How often the entry was delivered from this stream, including this time. */
  readonly deliveries: number
  /** When the claim was requested, by `performance.now`. The claim holds for `visibilityMs` from then on. */
  readonly claimedAt: number
}

/** An entry that is pending although the stream no longer has it, because another program trimmed or deleted it. */
export interface GoneEntry {
  readonly kind: Kind
  readonly id: string
}

/** The entries that one answer brings. */
export interface Received {
  readonly owned: readonly OwnedEntry[]
  readonly gone: readonly GoneEntry[]
}

export const nothingReceived: Received = { owned: [], gone: [] }

type RawRow = readonly [kind: Buffer, id: Buffer, deliveries: number, fields: readonly Buffer[], lane?: Buffer]

/** Decodes the rows of a script that takes or claims messages: kind, entry id, deliveries, fields and lane of each. */
export function receivedRows(rows: readonly unknown[], topic: string, claimedAt: number): Received {
  const owned: OwnedEntry[] = []
  const gone: GoneEntry[] = []
  for (const row of rows as readonly RawRow[]) {
    const kind: Kind = row[0].toString() === 'r' ? 'r' : 'm'
    const id = row[1].toString()
    if (row[2] === 0) {
      gone.push({ kind, id })
      continue
    }
    const entry = decodeEntry({ id, fields: row[3] }, topic)
    owned.push({ kind, id, entry, lane: row[4]?.toString() ?? '', deliveries: row[2], claimedAt })
  }
  return { owned, gone }
}

/** An entry in an answer of XREAD, XREADGROUP or XRANGE. */
export type RawEntry = readonly [id: Buffer, fields: readonly Buffer[] | null]

/** Returns the entries of the one stream that was read, and none if the time was over. */
export const entriesOf = (reply: unknown): readonly RawEntry[] =>
  (reply as readonly (readonly [Buffer, readonly RawEntry[]])[] | null)?.[0]?.[1] ?? []

/** Decodes the answer of an XREADGROUP on the topic's stream, which delivers each entry for the first time. */
export function receivedEntries(reply: unknown, topic: string, claimedAt: number): Received {
  const entries = entriesOf(reply)
  if (entries.length === 0) return nothingReceived
  const owned = entries.map(([raw, fields]): OwnedEntry => {
    const id = raw.toString()
    const entry = decodeEntry({ id, fields: fields ?? [] }, topic)
    return { kind: 'm', id, entry, lane: '', deliveries: 1, claimedAt }
  })
  return { owned, gone: [] }
}
