import { type DecodedEntry, decodeEntry } from './entry.js'

/** Which stream an entry is in: the topic's (`m`), or the group's for retries (`r`). */
export type Kind = 'm' | 'r'

/** An entry that this consumer owns at the broker. */
export interface Owned {
  readonly kind: Kind
  readonly id: string
  readonly entry: DecodedEntry
  /** How often it was delivered from this stream, this time included. */
  readonly deliveries: number
  /** When the claim on it was asked for, on the clock of `performance.now`: it holds for `visibilityMs` from there. */
  readonly claimedAt: number
}

/** An entry that is pending although the stream has it no more: trimmed or deleted by somebody else. */
export interface GoneEntry {
  readonly kind: Kind
  readonly id: string
}

export interface Intake {
  readonly owned: readonly Owned[]
  readonly gone: readonly GoneEntry[]
}

export const nothing: Intake = { owned: [], gone: [] }

type RawRow = readonly [kind: Buffer, id: Buffer, deliveries: number, fields: readonly Buffer[]]

/** What the scripts of `scripts/fetch.ts` return: kind, entry id, deliveries and fields of each. */
export function intakeOf(rows: readonly unknown[], topic: string, claimedAt: number): Intake {
  const owned: Owned[] = []
  const gone: GoneEntry[] = []
  for (const row of rows as readonly RawRow[]) {
    const kind: Kind = row[0].toString() === 'r' ? 'r' : 'm'
    const id = row[1].toString()
    if (row[2] === 0) gone.push({ kind, id })
    else owned.push({ kind, id, entry: decodeEntry({ id, fields: row[3] }, topic), deliveries: row[2], claimedAt })
  }
  return { owned, gone }
}

/** An entry as XREAD and XREADGROUP tell it. */
export type RawEntry = readonly [id: Buffer, fields: readonly Buffer[] | null]

/** The entries of the one stream that was read; none where the time was over. */
export const entriesOf = (reply: unknown): readonly RawEntry[] =>
  (reply as readonly (readonly [Buffer, readonly RawEntry[]])[] | null)?.[0]?.[1] ?? []

/** What XREADGROUP delivers from the topic's stream for the first time. */
export function readIntake(reply: unknown, topic: string, claimedAt: number): Intake {
  const entries = entriesOf(reply)
  if (entries.length === 0) return nothing
  const owned = entries.map(([raw, fields]): Owned => {
    const id = raw.toString()
    return { kind: 'm', id, entry: decodeEntry({ id, fields: fields ?? [] }, topic), deliveries: 1, claimedAt }
  })
  return { owned, gone: [] }
}
