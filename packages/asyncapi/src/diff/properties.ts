import { isObject } from '../schema/json-schema.js'
import type { Alternative } from './alternatives.js'
import type { Gap } from './change.js'
import type { Compare, Comparison } from './gaps.js'

interface ObjectPair {
  readonly written: Alternative
  readonly read: Alternative
  readonly path: string
}

const propertiesOf = ({ properties }: Alternative): Readonly<Record<string, unknown>> =>
  isObject(properties) ? properties : {}

const requiredOf = ({ required }: Alternative): readonly string[] => (Array.isArray(required) ? required : [])

/** Returns the schema of properties without a name of their own. */
const othersOf = ({ additionalProperties = true }: Alternative): unknown => additionalProperties

/** Compares the properties of two alternatives that are objects. */
export function propertyGaps(pair: ObjectPair, comparison: Comparison, compare: Compare): readonly Gap[] {
  const { written, read, path } = pair
  const [named, wanted] = [propertiesOf(written), propertiesOf(read)]
  const [others, wantedOthers] = [othersOf(written), othersOf(read)]
  const found: Gap[] = []
  const below = (name: string): string => (path === '' ? name : `${path}.${name}`)
  const add = (name: string, kind: Gap['kind'], texts: readonly [string, string] = ['', '']): void => {
    found.push({ path: below(name), kind, written: texts[0], read: texts[1] })
  }

  for (const name of requiredOf(read)) {
    if (requiredOf(written).includes(name)) continue
    if (name in named) add(name, 'missing')
    else if (!comparison.isForReaders || !(name in wanted) || isObject(others)) add(name, 'unnamed')
  }
  for (const [name, schema] of Object.entries(wanted)) {
    if (name in named) found.push(...compare({ written: named[name], read: schema, path: below(name) }))
    else if (isObject(others)) found.push(...compare({ written: others, read: schema, path: below(name) }))
    else if (comparison.isForReaders) add(name, 'gone')
    else if (!requiredOf(read).includes(name)) add(name, 'added')
  }
  for (const [name, schema] of Object.entries(named)) {
    if (name in wanted || wantedOthers === true) continue
    if (wantedOthers === false) add(name, 'refused')
    else found.push(...compare({ written: schema, read: wantedOthers, path: below(name) }))
  }
  if (others === false || wantedOthers === true) return found
  if (wantedOthers === false) add('*', 'refused')
  else found.push(...compare({ written: others, read: wantedOthers, path: below('*') }))
  return found
}
