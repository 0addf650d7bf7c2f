import type { DeadLetterFilter, FailureReason } from '@mq/core'
import { readDuration } from '../text/durations.js'
import { asJson } from '../text/json.js'
import { visible } from '../text/visible.js'
import type { Entry } from './entries.js'

/** The fields of the form that filters dead letters, as they were given. An empty one does not count. */
export const filterFields = ['reason', 'error', 'older', 'newer', 'id', 'key', 'field', 'value', 'text'] as const

export type FilterFields = Readonly<Record<(typeof filterFields)[number], string>>

export const reasons: readonly FailureReason[] = [
  'error',
  'timeout',
  'unrecoverable',
  'invalid',
  'undecodable',
  'crashed',
  'broker',
]

export interface LetterFilter {
  readonly fields: FilterFields
  readonly isEmpty: boolean
  /** The conditions that core evaluates. Undefined if there is none. */
  readonly where: DeadLetterFilter | undefined
  /**
   * The conditions that are about what the page shows, so that nobody finds out what is hidden by filtering for it. Undefined if there is
   * none.
   */
  readonly matches: ((entry: Entry) => boolean) | undefined
  /** The names of fields whose text cannot be read. */
  readonly wrong: readonly string[]
}

const maxFieldLength = 300

/** Reads a text to look for. It is written as the page shows texts, because people copy what they see. */
export const searched = (text: string | null): string => visible((text ?? '').trim()).slice(0, maxFieldLength)

/** Reads the filter of a request. */
export function readFilter(query: URLSearchParams): LetterFilter {
  const fields = Object.fromEntries(filterFields.map((name) => [name, searched(query.get(name))])) as FilterFields
  const wrong: string[] = []
  const duration = (name: 'older' | 'newer'): number | undefined => {
    const ms = fields[name] === '' ? undefined : readDuration(fields[name])
    if (ms === undefined && fields[name] !== '') wrong.push(name)
    return ms
  }
  const reason = reasons.find((one) => one === fields.reason)
  const [minAgeMs, maxAgeMs] = [duration('older'), duration('newer')]
  const where = {
    ...(reason !== undefined && { reason }),
    ...(minAgeMs !== undefined && { minAgeMs }),
    ...(maxAgeMs !== undefined && { maxAgeMs }),
  }
  const conditions = conditionsOf(fields)
  return {
    fields,
    isEmpty: Object.values(fields).every((text) => text === ''),
    where: Object.keys(where).length === 0 ? undefined : where,
    matches: conditions.length === 0 ? undefined : (entry) => conditions.every((holds) => holds(entry)),
    wrong,
  }
}

function conditionsOf({ error, id, key, field, value, text }: FilterFields): readonly ((entry: Entry) => boolean)[] {
  return [
    ...(error === '' ? [] : [(entry: Entry) => isError(entry, error)]),
    ...(id === '' ? [] : [(entry: Entry) => visible(entry.id) === id]),
    ...(key === '' ? [] : [(entry: Entry) => visible(entry.key ?? '') === key]),
    ...(field === '' ? [] : [(entry: Entry) => fieldOf(entry.data, field) === value]),
    ...(text === '' ? [] : [(entry: Entry) => hasText(entry, text)]),
  ]
}

function isError({ failure }: Entry, wanted: string): boolean {
  if (failure === undefined) return false
  const { name, code, message } = failure.error
  return name === wanted || code === wanted || visible(message).toLowerCase().includes(wanted.toLowerCase())
}

/** Returns whether a text occurs in what is shown of a message, in any case. */
export function hasText({ id, key, data, failure }: Entry, wanted: string): boolean {
  const all = [id, key ?? '', failure?.error.message ?? '', typeof data === 'string' ? data : asJson(data)]
  return all.some((text) => visible(text).toLowerCase().includes(wanted.toLowerCase()))
}

/** Returns a field of the data by its path, as text. Undefined if there is none. */
function fieldOf(data: unknown, path: string): string | undefined {
  const found = path.split('.').reduce<unknown>((value, name) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    return (value as Readonly<Record<string, unknown>>)[name]
  }, data)
  if (found === undefined) return undefined
  return visible(typeof found === 'string' ? found : asJson(found))
}
