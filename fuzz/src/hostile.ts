import type * as fc from 'fast-check'
import type { Arena, ArenaOptions } from './arena.js'
import type { SubjectSetup } from './subject/setup.js'

/**
 * What is promised of an entry:
 *
 * - `settled`: it is handled, or it is a dead letter.
 * - `handled`: it is handled.
 * - `listed`: it was written among the dead letters, and is shown there.
 * - `ignored`: the documentation says that it is passed over, or it is no message.
 * - `refused`: the broker did not take it.
 */
export type Fate = 'settled' | 'handled' | 'listed' | 'ignored' | 'refused'

export interface Written {
  readonly fate: Fate
  /** By any of these it is known again: an id, an entry's id, or its mark. */
  readonly names: readonly string[]
  /** What it takes in memory once it is unpacked. */
  readonly bytes: number
  /** Only its names count: that one more thing was seen than is known is not enough. */
  readonly exact?: true
  /** Puts back what it broke; the attacked group has to go on only after that. */
  readonly undo?: () => Promise<void>
  /** Its dead letter cannot be replayed, and the error has to say why. A stub, which says where its message is, needs no such word. */
  readonly noReplay?: true
  /** Nobody has to notice what was broken before it is used. */
  readonly mayBeSilent?: true
  /** It looks like a message whose content is gone, so a `data-loss` event may say so. */
  readonly looksLost?: true
}

/** One entry on its way. */
export interface Attack {
  readonly arena: Arena
  /** Unlike any other text: wherever an entry has room for it, it is known again by it. */
  readonly mark: string
  /** What replies of tasks are addressed to. */
  readonly instance: string
  /** A task that runs while it is attacked. */
  readonly runningTask: string
}

/** A kind of hostile entries. `Entry` is plain data, so that it can be printed and shrunk. */
export interface Generator<Entry = unknown> {
  /** `<broker>/<kind>`. */
  readonly name: string
  readonly entries: fc.Arbitrary<readonly Entry[]>
  readonly arena?: Partial<ArenaOptions>
  /** Resident memory on top of what is there before, if the documentation bounds it by itself and not by `concurrency`. */
  readonly spareBytes?: number
  /** It breaks what the attacked group stands on, and puts it back: until then only others have to go on. */
  readonly sabotages?: true
  /** What it writes is looked at only once a second, so the last canaries come after that. */
  readonly lingers?: true
  /** The attacked group stands still for good: topics of ours hold what may not be passed over. Others go on, and it has to be said. */
  readonly ruins?: 'group'
  write(entry: Entry, attack: Attack): Promise<Written>
}

/** A broker with everything that can be written to it. */
export interface Enemy {
  readonly name: string
  /** How the process under attack is set up. */
  readonly setup: SubjectSetup
  readonly generators: readonly Generator[]
  /** How long anything may take that is promised to happen. */
  readonly patienceMs: number
  /** What the broker lets in at most. */
  readonly maxEntryBytes: number
  /** An arena serves several rounds, as making one takes long. */
  readonly keepsArenas: boolean
  close(): Promise<void>
}

/** Keeps the type of an entry between the arbitrary and the writer, and drops it for the list. */
export const generator = <Entry>(given: Generator<Entry>): Generator => given as Generator

export const settled = (names: readonly string[], bytes: number): Written => ({ fate: 'settled', names, bytes })
