// The fate and the topic of a message follow from its number, so both processes and the accounts know them.
import type { Sighting } from '@mq/fuzz'

export type Fate = 'handled' | 'retried' | 'delayed' | 'dead'

export function fateOf(number: number): Fate {
  if (number % 200 === 199) return 'dead'
  if (number % 50 === 24) return 'delayed'
  return number % 50 === 49 ? 'retried' : 'handled'
}

/** Each topic gets a run of messages with every fate. */
export const topicOf = (number: number, topics: readonly string[]): string =>
  topics[Math.floor(number / 200) % topics.length] ?? ''

export const group = 'soak'
export const delayMs = 300

/** No program but ours publishes such an id, or such data. */
export const idOf = (number: number): string => `canary-soak-${number}`
export const dataOf = (number: number): unknown => ({ soak: number })

/** Undefined if somebody else has published it. */
export function numberOf(data: unknown): number | undefined {
  const { soak } = (data ?? {}) as { readonly soak?: unknown }
  return typeof soak === 'number' ? soak : undefined
}

/** The input of a process of the soak. */
export interface Job {
  readonly url: string
  readonly topics: readonly string[]
  readonly concurrency: number
  /** With 0 it only consumes. */
  readonly perSecond: number
}

/** A report of such a process, sent several times a second. */
export interface Said {
  readonly stored?: readonly number[]
  /** Published, but without a known outcome. */
  readonly unknown?: readonly number[]
  /** Messages whose run has ended, in success or failure. */
  readonly ran?: readonly number[]
  /** Messages of other programs that a handler has seen. */
  readonly foreign?: readonly Sighting[]
  readonly state?: string
  readonly problem?: string
  /** The reason of a `data-loss` event. */
  readonly loss?: string
  readonly residentMiB?: number
  readonly figures?: Figures
}

export interface Figures {
  /** After a garbage collection. */
  readonly heapMiB: number
  /** The fewest since the load stopped. */
  readonly sockets: number
  /** Undefined if all is well. */
  readonly illness?: string
}

/** `leave` disconnects the queue, and then measures. */
export type Order = 'measure' | 'quiet' | 'go on' | 'leave'
