import {
  type MessageState,
  MqError,
  type Page,
  type PageRequest,
  type RawWaiting,
  type TargetRef,
} from '@mq/core/adapter'
import { nameOf } from '../driver/cluster.js'
import { LogScan } from '../driver/log-scan.js'
import { kindLetters, waitingIdOf } from '../wire/message-place.js'
import { type Cursor, decodeCursor, encodeCursor, isBehind, type Place } from './cursor.js'
import { type InspectContext, type OpenPart, openParts } from './open-parts.js'
import { type OpenRecord, OpenRecords } from './open-records.js'
import { ReadyScan } from './ready-scan.js'

/** How much one page of ready messages looks at, at most. Messages that are not due may stand before them. */
const readyLimits = { maxBytes: 32 * 1024 * 1024, maxRecords: 20_000, maxPasses: 2_000 }
/** How much of each partition is put in order at a time, in the lists of messages that wait for their time. */
const windowOf = { records: 2_000, bytes: 2 * 1024 * 1024 }
/** How many windows without a message of the state one page passes over. */
const maxWindows = 4
/** A page ends when it holds this much, even below its limit. */
const maxPageBytes = 32 * 1024 * 1024

type Request = PageRequest & { readonly state: MessageState }

/** Lists what a group has not finished, by reading it without a group. See docs/decisions/0027-kafka-looking-and-pausing.md. */
export async function listWaiting(
  ref: TargetRef,
  request: Request,
  context: InspectContext,
): Promise<Page<RawWaiting>> {
  const { state, limit, after } = request
  if (state === 'inFlight') throw new MqError('MQ_NOT_SUPPORTED', 'Kafka does not know which messages run')
  const cursor = after === undefined ? undefined : decodeCursor(state, after)
  const parts = await openParts(ref, context)
  if (parts === undefined) return { items: [] }
  return state === 'ready'
    ? await listReady({ ref, parts, limit, cursor }, context)
    : await listHeld({ ref, parts, limit, cursor, state }, context)
}

interface Listing {
  readonly ref: TargetRef
  readonly parts: readonly OpenPart[]
  readonly limit: number
  readonly cursor: Cursor | undefined
}

async function listReady(
  { ref, parts, limit, cursor }: Listing,
  { cluster }: InspectContext,
): Promise<Page<RawWaiting>> {
  const left = cursor === undefined ? parts : parts.filter((part) => cursor.from.has(placeName(part)))
  const from = (part: OpenPart): number | undefined => cursor?.from.get(placeName(part))
  const scan = new ReadyScan(cluster, left, { ...readyLimits, name: ref.topic, from })
  const items: RawWaiting[] = []
  let bytes = 0
  while (items.length < limit && bytes < maxPageBytes) {
    const one = await scan.next()
    if (one === undefined) break
    items.push(shown(one, 'ready'))
    bytes += one.record.bytes
  }
  const rest = scan.rest.map(
    ({ part, from }) => [placeName(left.find((one) => nameOf(one) === nameOf(part)) as OpenPart), from] as const,
  )
  return rest.length === 0 ? { items } : { items, next: encodeCursor('ready', { from: new Map(rest) }) }
}

async function listHeld(
  { ref, parts, limit, cursor, state }: Listing & { readonly state: 'delayed' | 'retrying' },
  { cluster }: InspectContext,
): Promise<Page<RawWaiting>> {
  const held = parts.filter(({ kind, waiting }) => kind !== 'main' && waiting > 0)
  let from = cursor?.from ?? new Map(held.map((part) => [placeName(part), part.from]))
  let behind = cursor?.behind
  for (let windows = 1; ; windows++) {
    const left = held.filter((part) => from.has(placeName(part)))
    const { records, rest } = await readWindow(left, { ref, from, cluster })
    const matching = records
      .filter((one) => stateOf(one) === state && (behind === undefined || isBehind(placeOf(one), behind)))
      .sort((one, other) => (isBehind(placeOf(one), placeOf(other)) ? 1 : -1))
    const items: RawWaiting[] = []
    let bytes = 0
    for (const one of matching) {
      if (items.length === limit || bytes >= maxPageBytes) break
      items.push(shown(one, state))
      bytes += one.record.bytes
    }
    const last = matching[items.length - 1]
    if (items.length < matching.length && last !== undefined) {
      return { items, next: encodeCursor(state, { from, behind: placeOf(last) }) }
    }
    if (rest.size === 0) return { items }
    if (items.length > 0 || windows === maxWindows) return { items, next: encodeCursor(state, { from: rest }) }
    from = rest
    behind = undefined
  }
}

/** Reads the next records of each partition. `rest` says where the next window begins. */
async function readWindow(
  parts: readonly OpenPart[],
  {
    ref,
    from,
    cluster,
  }: {
    readonly ref: TargetRef
    readonly from: ReadonlyMap<string, number>
    readonly cluster: InspectContext['cluster']
  },
) {
  const now = Date.now()
  const records: OpenRecord[] = []
  const rest = new Map<string, number>()
  const readPart = async (part: OpenPart): Promise<void> => {
    const name = placeName(part)
    const begin = Math.max(part.from, from.get(name) ?? 0)
    const scan = new LogScan(cluster, [{ ...part, from: begin }], {
      maxBytes: windowOf.bytes,
      maxRecords: windowOf.records,
    })
    const [one] = scan.parts
    const open = new OpenRecords(part, { name: ref.topic, from: begin, now })
    let [count, bytes] = [0, 0]
    while (one !== undefined && count < windowOf.records && bytes < windowOf.bytes && (await scan.fill())) {
      const record = one.shift()
      if (record === undefined) return
      count += 1
      bytes += record.bytes
      const found = open.open(record)
      if (found?.isHeldBack) records.push(found)
    }
    if (one?.hasEnded === false) rest.set(name, one.position)
  }
  for (const part of parts) await readPart(part)
  return { records, rest }
}

const stateOf = ({ decoded: { attempt, failure } }: OpenRecord): 'delayed' | 'retrying' =>
  attempt > 1 || failure !== undefined ? 'retrying' : 'delayed'

const placeName = ({ kind, partition }: OpenPart): string => `${kindLetters[kind]}${partition}`

const placeOf = ({ part, record, readyMs }: OpenRecord): Place => ({
  dueMs: readyMs,
  name: placeName(part),
  offset: record.offset,
})

function shown({ part, record, decoded, readyMs }: OpenRecord, state: MessageState): RawWaiting {
  const { message, attempt, failure } = decoded
  return {
    entryId: waitingIdOf(part, record),
    state,
    message,
    attempt,
    ...(failure && { failure }),
    ...(state !== 'ready' && { dueAt: Math.round(readyMs) }),
  }
}
