import type { Breaks, Gap } from './change.js'
import { gapsBetween } from './gaps.js'

export interface PayloadChange {
  readonly breaks: Breaks
  readonly path: string
  readonly text: string
}

interface Side {
  readonly payload: unknown
  readonly resolve: (value: unknown) => unknown
}

/** Compares what a message may hold before and after. Without a gap in either direction, nothing changes for anybody. */
export function payloadChanges(before: Side, after: Side): readonly PayloadChange[] {
  const forReaders = gapsBetween(
    { written: after.payload, read: before.payload },
    { resolveWritten: after.resolve, resolveRead: before.resolve, isForReaders: true },
  )
  const forWriters = gapsBetween(
    { written: before.payload, read: after.payload },
    { resolveWritten: before.resolve, resolveRead: after.resolve, isForReaders: false },
  )
  const places = new Map<string, { readonly readers: Gap[]; readonly writers: Gap[] }>()
  const placeOf = (gap: Gap) => {
    const key = changeKey(gap)
    const place = places.get(key) ?? { readers: [], writers: [] }
    places.set(key, place)
    return place
  }
  for (const gap of forReaders) placeOf(gap).readers.push(gap)
  for (const gap of forWriters) placeOf(gap).writers.push(gap)
  return [...places.values()].map(changeOf)
}

/** Names a change, of which each direction may meet a part. Another type and other values are one change, and each limit is its own. */
function changeKey({ path, kind, read }: Gap): string {
  if (kind === 'range') return JSON.stringify([path, kind, read.split(' ')[0]])
  return JSON.stringify([path, kind === 'type' ? 'values' : kind])
}

/** The gaps of one change, by the direction in which data meets them. */
interface Directions {
  readonly readers: readonly Gap[]
  readonly writers: readonly Gap[]
}

function changeOf({ readers, writers }: Directions): PayloadChange {
  const [first] = [...readers, ...writers]
  const { path, kind } = first as Gap
  if (kind === 'added') return { breaks: 'nobody', path, text: 'is new and optional' }
  const breaks = writers.length === 0 ? 'readers' : readers.length === 0 ? 'writers' : 'both'
  return { breaks, path, text: textOf(kind, { readers, writers }) }
}

function textOf(kind: Gap['kind'], { readers, writers }: Directions): string {
  const isForReaders = readers.length > 0
  const [gap] = isForReaders ? readers : writers
  const { written = '', read = '' } = gap ?? {}
  const [before, after] = isForReaders ? [read, written] : [written, read]
  if (kind === 'type' || kind === 'values') return valuesText({ readers, writers })
  if (kind === 'range') return `was limited to ${before}, and is to ${after}`
  if (kind === 'pattern' || kind === 'format') return `had the ${kind} ${before}, and has ${after}`
  if (kind === 'missing') return isForReaders ? 'is no longer required' : 'is required now'
  if (kind === 'unnamed') return isForReaders ? 'is no longer required' : 'is new and required'
  if (kind === 'gone') return 'is gone'
  if (kind === 'unclear') return 'has changed in a way that is not compared'
  return isForReaders ? 'is new, and the old schema refuses it' : 'is no longer taken'
}

function valuesText({ readers, writers }: Directions): string {
  const shown = (gaps: readonly Gap[]): string => [...new Set(gaps.map(({ written }) => written))].join(', ')
  if (writers.length === 0) return `may be ${shown(readers)} now`
  if (readers.length === 0) return `may no longer be ${shown(writers)}`
  return `may be ${shown(readers)} now, and no longer ${shown(writers)}`
}
