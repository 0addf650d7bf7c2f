import type { RawWaiting } from '@mq/core/adapter'
import type { Link } from '../connection/link.js'
import { decodeEntry } from '../wire/entry.js'
import type { GroupPlace } from '../wire/keys.js'
import { asideScript, entriesScript, runningScript, setScript, unreadScript } from '../wire/scripts/waiting.js'
import type { Cursor, ListPart } from './cursor.js'
import type { WaitingName } from './entry-names.js'

/** An entry as it is found: its place in the list, and what is shown of it. */
export interface FoundEntry extends Omit<RawWaiting, 'entryId' | 'state'> {
  readonly cursor: Cursor
  readonly name: WaitingName
  readonly bytes: number
}

interface FoundPart {
  readonly rows: readonly FoundEntry[]
  /** The place where the part goes on. Undefined at its end. */
  readonly next?: Cursor
}

/** Lists some entries of a part of a list. Rejects with a `CommandError`. */
type ListSome = (after: Cursor | undefined, count: number) => Promise<FoundPart>

type Row = readonly [kind: Buffer, name: Buffer, deliveries: number, time: Buffer, fields: readonly Buffer[]]

interface Running {
  readonly kind: 'm' | 'r'
  readonly id: string
  readonly deliveries: number
  readonly startedAt: number
}

/** Creates the functions that list the parts of a group's messages. */
export function listParts(place: GroupPlace, link: Link): Readonly<Record<ListPart, ListSome>> {
  const { topic, consumerGroup, form, keys } = place
  const { stream, retry, due, dueData, delayed, delayedData, skipped, started } = keys

  function decoded(name: WaitingName, id: string, deliveries: number, fields: readonly Buffer[]) {
    const { message, attempt, failure, bytes } = decodeEntry({ id, fields }, topic, form)
    return { name, message, attempt: attempt + deliveries - 1, ...(failure && { failure }), bytes }
  }

  /** Lists entries of a stream that are told apart by their ids. */
  const entries =
    (part: ListPart, kind: 'm' | 'r', script: typeof unreadScript): ListSome =>
    async (after, count) => {
      const scriptKeys = [kind === 'm' ? stream : retry, skipped]
      const reply = await link.run(script, scriptKeys, [consumerGroup, kind, after?.name ?? '', count])
      const [next, rows] = reply as readonly [Buffer, readonly Row[]]
      return {
        rows: rows.map(([, rawId, deliveries, , fields]) => {
          const id = rawId.toString()
          return { ...decoded({ kind, name: id }, id, deliveries, fields), cursor: { part, at: '', name: id } }
        }),
        ...(next.length > 0 && { next: { part, at: '', name: next.toString() } }),
      }
    }

  /** Lists members of a sorted set, by their times and names. */
  const members =
    (part: ListPart, kind: 'd' | 't', isDue: boolean): ListSome =>
    async (after, count) => {
      const scriptKeys = kind === 'd' ? [stream, due, dueData, skipped] : [stream, delayed, delayedData, skipped]
      const place = [after?.at ?? '', Buffer.from(after?.name ?? '', 'latin1')]
      const args = [consumerGroup, kind, isDue ? 1 : 0, ...place, count]
      const reply = await link.run(setScript, scriptKeys, args)
      const [at, last, rows] = reply as readonly [Buffer, Buffer, readonly Row[]]
      return {
        rows: rows.map(([, member, deliveries, score, fields]) => {
          const name = member.toString('latin1')
          const dueAt = Math.round(Number(score.toString()))
          return {
            ...decoded({ kind, name }, `${Math.max(0, dueAt)}-0`, deliveries, fields),
            ...(!isDue && { dueAt }),
            cursor: { part, at: score.toString(), name },
          }
        }),
        ...(at.length > 0 && { next: { part, at: at.toString(), name: last.toString('latin1') } }),
      }
    }

  async function allRunning(kind: 'm' | 'r'): Promise<readonly Running[]> {
    const found: Running[] = []
    for (let after = ''; ; ) {
      const reply = await link.run(
        runningScript,
        [kind === 'm' ? stream : retry, started],
        [consumerGroup, kind, after],
      )
      const [next, rows] = reply as readonly [Buffer, readonly (readonly [Buffer, number, number])[]]
      for (const [id, deliveries, startedAt] of rows) found.push({ kind, id: id.toString(), deliveries, startedAt })
      if (next.length === 0) return found
      after = next.toString()
    }
  }

  const fieldsOf = async (kind: 'm' | 'r', some: readonly Running[]) => {
    const ids = some.filter((run) => run.kind === kind).map(({ id }) => id)
    if (ids.length === 0) return new Map<string, readonly Buffer[]>()
    const reply = await link.run(entriesScript, [kind === 'm' ? stream : retry], ids)
    return new Map((reply as readonly (readonly Buffer[])[]).map((fields, index) => [ids[index] as string, fields]))
  }

  /** Redis does not sort what is in flight, so all of it is named for each page. Only the entries of the page are read. */
  const running: ListSome = async (after, count) => {
    const [own, retries] = [await allRunning('m'), await allRunning('r')]
    const sorted = [...own, ...retries].sort((a, b) => (isEarlier(a, b) ? -1 : 1))
    const from = after === undefined ? undefined : runningAt(after)
    const later = from === undefined ? sorted : sorted.filter((run) => isEarlier(from, run))
    const some = later.slice(0, count)
    const fields = { m: await fieldsOf('m', some), r: await fieldsOf('r', some) }
    const rows: FoundEntry[] = []
    for (const { kind, id, deliveries, startedAt } of some) {
      const found = fields[kind].get(id)
      // A script has read as much as it may. The next one goes on here.
      if (found === undefined) break
      const cursor: Cursor = { part: 'running', at: String(startedAt), name: kind + id }
      rows.push({ ...decoded({ kind, name: id }, id, deliveries, found), startedAt, cursor })
    }
    const last = rows.at(-1)
    return { rows, ...(later.length > rows.length && last && { next: last.cursor }) }
  }

  return {
    'aside-retry': entries('aside-retry', 'r', asideScript),
    aside: entries('aside', 'm', asideScript),
    retry: entries('retry', 'r', unreadScript),
    due: members('due', 'd', true),
    stream: entries('stream', 'm', unreadScript),
    topic: members('topic', 't', true),
    delayed: members('delayed', 't', false),
    retrying: members('retrying', 'd', false),
    running,
  }
}

type Began = Pick<Running, 'kind' | 'id' | 'startedAt'>

const isEarlier = (a: Began, b: Began): boolean =>
  a.startedAt === b.startedAt ? a.kind + a.id < b.kind + b.id : a.startedAt < b.startedAt

const runningAt = ({ at, name }: Cursor): Began => ({
  kind: name.slice(0, 1) as Running['kind'],
  id: name.slice(1),
  startedAt: Number(at),
})
