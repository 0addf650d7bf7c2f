import { shown } from './shown.js'

type Kind<T> = [T] extends [boolean]
  ? 'boolean'
  : [T] extends [number]
    ? 'number'
    : [T] extends [string]
      ? 'string'
      : [T] extends [(...parameters: never[]) => unknown]
        ? 'function'
        : 'object'

/**
 * The `typeof` of each member of `T`, followed by `?` if the member is optional. The compiler refuses a table that lacks a member,
 * has one too many, or disagrees with the interface.
 */
export type MemberKinds<T> = {
  readonly [Name in keyof T]-?: object extends Pick<T, Name> ? `${Kind<Exclude<T[Name], undefined>>}?` : Kind<T[Name]>
}

/**
 * Returns a sentence for each member that is missing or has a wrong type, each named with `prefix` before it. Returns no sentence if
 * all is well. An optional member may be undefined or null. NaN is not a number.
 */
export function wrongMembers(value: object, kinds: Readonly<Record<string, string>>, prefix = ''): readonly string[] {
  const missing: string[] = []
  const wrong: string[] = []
  for (const [name, kind] of Object.entries(kinds)) {
    const member = (value as Readonly<Record<string, unknown>>)[name]
    const expected = kind.replace('?', '')
    if (member === undefined || member === null) {
      if (expected === kind) missing.push(prefix + name)
    } else if (!isOfKind(member, expected)) {
      const article = expected === 'object' ? 'an' : 'a'
      wrong.push(`${prefix}${name} must be ${article} ${expected}, not ${shown(member)}`)
    }
  }
  return missing.length === 0 ? wrong : [`it has no ${missing.join(', ')}`, ...wrong]
}

const isOfKind = (member: unknown, kind: string): boolean => typeof member === kind && !Number.isNaN(member)
