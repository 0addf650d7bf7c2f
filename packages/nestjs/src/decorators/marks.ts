import 'reflect-metadata'
import type { ScheduleRule, SubscribeOptions, Target, Task, TombstoneSubscribeOptions, WorkerOptions } from '@mq/core'
import type { Method } from '../metadata.js'

export interface MessageMark {
  readonly kind: 'message'
  readonly target: Target
  /** The name of the module whose queue it is. */
  readonly queue: string | undefined
  readonly options: SubscribeOptions | TombstoneSubscribeOptions
}

export interface TaskMark {
  readonly kind: 'task'
  readonly task: Task
  readonly queue: string | undefined
  readonly options: WorkerOptions
}

export interface ScheduleMark {
  readonly kind: 'schedule'
  readonly task: Task
  readonly queue: string | undefined
  readonly name: string
  readonly rule: ScheduleRule
  readonly input: unknown
}

/** The words of a decorator about a method. */
export type Mark = MessageMark | TaskMark | ScheduleMark

const marksKey = '@mq/nestjs:marks'
const titles = { message: '@OnMessage', task: '@OnTask', schedule: '@Scheduled' } as const

/** Returns what decorators have said about a method, the topmost first. */
export const marksOf = (method: Method): readonly Mark[] => Reflect.getOwnMetadata(marksKey, method) ?? []

/** Notes a mark on a method. Throws a `TypeError` if a decorator stands where no instance of a provider could be called. */
export function mark(
  given: Mark,
  target: object,
  key: unknown,
  descriptor: { readonly value?: unknown } | undefined,
): void {
  const title = titles[given.kind]
  if (typeof key === 'object')
    throw new TypeError(`${title} is a decorator of Nest: set "experimentalDecorators" in tsconfig.json`)
  if (typeof target === 'function')
    throw new TypeError(`${title} is for methods of instances; ${where(target, key)} is static`)
  const method = descriptor?.value
  if (typeof method !== 'function') throw new TypeError(`${title} is for methods; ${where(target, key)} is none`)
  if (typeof key !== 'string')
    throw new TypeError(`${title} is for methods with a name; ${where(target, key)} has a symbol`)
  const marks = marksOf(method as Method)
  const other = marks.find(({ kind }) => (kind === 'message') !== (given.kind === 'message'))
  if (other !== undefined) {
    const both = `${title} and ${titles[other.kind]}`
    throw new TypeError(`${where(target, key)} has both ${both}, which call it differently: use two methods`)
  }
  Reflect.defineMetadata(marksKey, [given, ...marks], method)
}

/** Throws a `TypeError` for the `undefined` that a circular import leaves. */
export function requireGiven(given: unknown, kind: Mark['kind']): void {
  if (given !== undefined && given !== null) return
  throw new TypeError(`${titles[kind]} got ${given}: if two files import each other, move the definition to a third`)
}

function where(target: object, key: unknown): string {
  const owner = typeof target === 'function' ? target.name : target.constructor.name
  return `${owner}.${String(key)}`
}
