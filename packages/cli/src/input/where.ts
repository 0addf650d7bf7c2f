import type { DeadLetter } from '@mq/core'
import { usageFailure } from '../exit-codes.js'
import { durationMs } from './duration.js'

/** Says whether a dead letter is one of those that are asked for. */
export type Condition = (letter: DeadLetter) => boolean

type Operator = '=' | '!=' | '~' | '<' | '<=' | '>' | '>='

const comparisons: Readonly<Record<Operator, (found: string | number, wanted: string | number) => boolean>> = {
  '=': (found, wanted) => String(found) === String(wanted),
  '!=': (found, wanted) => String(found) !== String(wanted),
  '~': (found, wanted) => String(found).toLowerCase().includes(String(wanted).toLowerCase()),
  '<': (found, wanted) => found < wanted,
  '<=': (found, wanted) => found <= wanted,
  '>': (found, wanted) => found > wanted,
  '>=': (found, wanted) => found >= wanted,
}

const plainFields: Readonly<Record<string, (letter: DeadLetter) => unknown>> = {
  reason: ({ failure }) => failure.reason,
  'error.name': ({ failure }) => failure.error.name,
  'error.code': ({ failure }) => failure.error.code,
  'error.message': ({ failure }) => failure.error.message,
  attempts: ({ failure }) => failure.attempts,
  age: ({ failure }) => Date.now() - failure.failedAt,
  id: ({ message }) => message.id,
  key: ({ message }) => message.key,
  type: ({ message }) => message.type,
  source: ({ message }) => message.source,
  tombstone: ({ tombstone }) => tombstone,
}

export const whereFields = [...Object.keys(plainFields), 'data.<path>', 'headers.<name>'].join(', ')

/** Reads conditions such as `reason=timeout`, `age>2h` or `data.user.id=7`. All of them have to hold. */
export function readWhere(texts: readonly string[]): Condition {
  const conditions = texts.map(readCondition)
  return (letter) => conditions.every((condition) => condition(letter))
}

function readCondition(text: string): Condition {
  const [, field, operator, value] = /^([^=!~<>]+)(!=|<=|>=|=|~|<|>)(.*)$/s.exec(text) ?? []
  if (field === undefined || operator === undefined || value === undefined) {
    throw usageFailure('--where compares a field with a value, as in reason=timeout, age>2h or data.user.id=7')
  }
  const read = readerOf(field.trim())
  const isOrder = /[<>]/.test(operator)
  const ordered = isOrder ? orderedValue(field.trim(), value) : undefined
  const compare = comparisons[operator as Operator]
  return (letter) => {
    const found = read(letter)
    // A field that is not there differs from every value, and nothing else holds for it.
    if (found === undefined || found === null) return operator === '!='
    if (ordered === undefined) return compare(comparable(found), value)
    const number = Number(found)
    return !Number.isNaN(number) && compare(number, ordered)
  }
}

function orderedValue(field: string, value: string): number {
  const number = field === 'age' ? durationMs(value) : value.trim() === '' ? Number.NaN : Number(value)
  if (number !== undefined && !Number.isNaN(number)) return number
  const wanted = field === 'age' ? 'a duration such as 2h' : 'a number'
  throw usageFailure(`--where compares ${field === 'age' ? 'age' : 'a field'} by < and > with ${wanted}`)
}

const comparable = (found: unknown): string | number =>
  typeof found === 'string' || typeof found === 'number' ? found : JSON.stringify(found)

function readerOf(field: string): (letter: DeadLetter) => unknown {
  if (Object.hasOwn(plainFields, field)) return plainFields[field] as (letter: DeadLetter) => unknown
  if (field === 'data') return ({ data }) => data
  if (field.startsWith('data.')) {
    const path = field.slice('data.'.length).split('.')
    return ({ data }) => path.reduce(member, data)
  }
  if (field.startsWith('headers.')) return ({ message }) => member(message.headers, field.slice('headers.'.length))
  throw usageFailure(`--where knows no such field. Known: ${whereFields}`)
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Readonly<Record<string, unknown>>)[name]
}
