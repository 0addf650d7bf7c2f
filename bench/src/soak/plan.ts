// What becomes of a message follows from its number, so that both processes and the accounts know it without being told.

export type Fate = 'handled' | 'retried' | 'dead'

export function fateOf(number: number): Fate {
  if (number % 200 === 199) return 'dead'
  return number % 50 === 49 ? 'retried' : 'handled'
}

export const group = 'soak'

/** What a process of the soak is started with. */
export interface Job {
  readonly url: string
  readonly topic: string
  /** 0: it only consumes. */
  readonly perSecond: number
}

/** What it says, several times a second. */
export interface Said {
  readonly stored?: readonly number[]
  /** Published without an answer. */
  readonly unknown?: readonly number[]
  /** Runs that ended, whatever their fate. */
  readonly ran?: readonly number[]
  readonly state?: string
  readonly problem?: string
  readonly memory?: Memory
}

/** After a collection. */
export interface Memory {
  readonly heapMiB: number
  readonly sockets: number
}

export type Order = 'measure' | 'quiet'
