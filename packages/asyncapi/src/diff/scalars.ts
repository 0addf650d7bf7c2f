import type { Alternative } from './alternatives.js'
import type { Gap, GapKind } from './change.js'
import { isEqual, shownValue } from './equal.js'

type Part = Omit<Gap, 'path'>

const gap = (kind: GapKind, written: string, read: string): Part => ({ kind, written, read })

/** Returns the JSON type of a value. A whole number is an integer. */
function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

export const typeOfAlternative = (schema: Alternative): string =>
  'const' in schema ? typeOf(schema.const) : typeof schema.type === 'string' ? schema.type : 'any type'

const takesType = (written: string, read: string): boolean =>
  read === 'any type' || written === read || (written === 'integer' && read === 'number')

/** Compares the types and the values of two alternatives. */
export function typeGaps(written: Alternative, read: Alternative): readonly Part[] {
  const [from, to] = [typeOfAlternative(written), typeOfAlternative(read)]
  if ('const' in read) {
    if ('const' in written && isEqual(written.const, read.const)) return []
    const shown = 'const' in written ? shownValue(written.const) : from
    return [gap(takesType(from, to) ? 'values' : 'type', shown, shownValue(read.const))]
  }
  return takesType(from, to) ? [] : [gap('type', from, to)]
}

const lower = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'] as const
const upper = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'] as const

/** The keywords that concern a type. The others say nothing about its values. */
const concerned: Readonly<Record<string, RegExp>> = {
  integer: /imum$|^multipleOf$/,
  number: /imum$|^multipleOf$/,
  string: /Length$|^pattern$|^format$/,
  array: /Items$/,
  object: /Properties$/,
  'any type': /./,
}

/** Compares limits, patterns and formats of two alternatives of one type. */
export function limitGaps(written: Alternative, all: Alternative): readonly Part[] {
  const type = typeOfAlternative(written)
  const read: Alternative = Object.fromEntries(Object.entries(all).filter(([name]) => concerned[type]?.test(name)))
  const found: Part[] = []
  for (const keyword of [...lower, ...upper]) {
    const limit = read[keyword]
    if (typeof limit !== 'number' || keeps(written, keyword, limit)) continue
    found.push(gap('range', `${keyword} ${shownValue(ownLimit(written, keyword))}`, `${keyword} ${limit}`))
  }
  const { multipleOf, format, pattern, uniqueItems } = read
  if (typeof multipleOf === 'number' && !isMultiple(written, multipleOf)) {
    found.push(gap('range', `multipleOf ${shownValue(written.multipleOf)}`, `multipleOf ${multipleOf}`))
  }
  if (uniqueItems === true && written.uniqueItems !== true && !('const' in written)) {
    found.push(gap('range', 'items that may repeat', 'items that are unique'))
  }
  const isOther = typeof format === 'string' && format !== written.format
  if (isOther) found.push(gap('format', shownValue(written.format), shownValue(format)))
  // A library that knows a format writes its pattern as well. One of the two says enough.
  if (typeof pattern === 'string' && !isOther && !matches(written, pattern)) {
    found.push(gap('pattern', shownValue(written.pattern), shownValue(pattern)))
  }
  return found
}

function matches(written: Alternative, pattern: string): boolean {
  if (!('const' in written)) return written.pattern === pattern
  return typeof written.const !== 'string' || new RegExp(pattern, 'u').test(written.const)
}

function isMultiple(written: Alternative, of: number): boolean {
  if (typeof written.const === 'number') return Number.isInteger(written.const / of)
  const own = typeof written.multipleOf === 'number' ? written.multipleOf : written.type === 'integer' ? 1 : undefined
  return own !== undefined && Number.isInteger(own / of)
}

/** Returns the limit that data keeps which is valid for the schema: a value's own size, or what the schema says. */
function ownLimit(written: Alternative, keyword: string): number | undefined {
  if (!('const' in written)) return typeof written[keyword] === 'number' ? written[keyword] : undefined
  const value = written.const
  if (typeof value === 'number') return value
  if (typeof value === 'string') return [...value].length
  return typeof value === 'object' && value !== null ? Object.keys(value).length : undefined
}

const sibling: Readonly<Record<string, string>> = {
  minimum: 'exclusiveMinimum',
  exclusiveMinimum: 'minimum',
  maximum: 'exclusiveMaximum',
  exclusiveMaximum: 'maximum',
}

/** Returns whether everything that is written keeps a limit of the reader. */
function keeps(written: Alternative, keyword: string, limit: number): boolean {
  const isLower = (lower as readonly string[]).includes(keyword)
  const isWithin = (own: number | undefined): boolean => own !== undefined && (isLower ? own >= limit : own <= limit)
  const isBeyond = (own: number | undefined): boolean => own !== undefined && (isLower ? own > limit : own < limit)
  const own = ownLimit(written, keyword)
  if ('const' in written) {
    if (own === undefined) return true
    return keyword.startsWith('exclusive') ? isBeyond(own) : isWithin(own)
  }
  if (isWithin(own)) return true
  if (isLower && limit === 0 && keyword.startsWith('min') && keyword !== 'minimum') return true
  const other = sibling[keyword]
  if (other === undefined) return false
  const others = ownLimit(written, other)
  // An inclusive limit meets an exclusive one only beyond it.
  return keyword.startsWith('exclusive') ? isBeyond(others) : isWithin(others)
}
