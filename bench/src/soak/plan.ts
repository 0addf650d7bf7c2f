// The fate of a message follows from its number, so both processes and the accounts know it.

export type Fate = 'handled' | 'retried' | 'dead'

export function fateOf(number: number): Fate {
  if (number % 200 === 199) return 'dead'
  return number % 50 === 49 ? 'retried' : 'handled'
}

export const group = 'soak'

/** The input of a process of the soak. */
export interface Job {
  readonly url: string
  readonly topic: string
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
  readonly state?: string
  readonly problem?: string
  readonly memory?: Memory
}

/** Measured after a garbage collection. */
export interface Memory {
  readonly heapMiB: number
  readonly sockets: number
}

export type Order = 'measure' | 'quiet'
