import type { Capabilities } from '../../index.js'
import type { PromiseNumber } from '../promises.js'
import type { FaultName } from '../subject.js'
import type { Kit } from './kit.js'

/**
 * - `required`: every adapter has to pass it.
 * - `capability`: applies where a capability says so, or says no: then it is the refusal that is tested.
 * - `optional`: needs something that not everybody can provide; where it is run, it has to pass too.
 */
export type Level = 'required' | 'capability' | 'optional'

/** `worker`: a consumer outside of this process. */
export type Need = FaultName | 'worker'

export interface ConformanceCase {
  /** Never given to another case again: reports of different versions are compared by it. */
  readonly id: string
  /** The guarantee, in the present tense. */
  readonly title: string
  /** Of docs/delivery.md. */
  readonly promises: readonly PromiseNumber[]
  readonly level: Level
  readonly needs?: readonly Need[]
  /** Why it does not apply, or undefined where it does. */
  readonly unless?: (capabilities: Capabilities) => string | undefined
  readonly alone?: Alone
  /** Takes more than about 20 s; run only when asked for. */
  readonly long?: true
  /** 30,000 where none is given. */
  readonly timeoutMs?: number
  run(kit: Kit): Promise<void>
}

/**
 * - `true`: it hurts the broker for all, or measures time, and has the broker to itself.
 * - `'process'`: it looks at the whole process, in which no other case runs meanwhile, whichever broker that has.
 */
export type Alone = true | 'process'

/** A file's worth of cases about one thing. */
export interface Chapter {
  readonly name: string
  readonly cases: readonly ConformanceCase[]
}
