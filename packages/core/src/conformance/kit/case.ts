import type { Capabilities } from '../../index.js'
import type { PromiseNumber } from '../promises.js'
import type { FaultName } from '../subject.js'
import type { Kit } from './kit.js'

/**
 * - `required`: every adapter has to pass the case.
 * - `capability`: the case applies to adapters with a capability, or tests the refusal of adapters without it.
 * - `optional`: the case needs something that not every subject can provide. If it runs, it has to pass too.
 */
export type Level = 'required' | 'capability' | 'optional'

/** A fault, `worker`: a consumer outside this process, or `begin`: a transaction of the application. */
export type Need = FaultName | 'worker' | 'begin'

export interface ConformanceCase {
  /**
   * Identifies the case in reports of different versions, so no other case may ever have it. See
   * `cases/retired-ids.ts`.
   */
  readonly id: string
  /** States the guarantee in the present tense. */
  readonly title: string
  /** The numbers of the tested promises in docs/delivery.md. */
  readonly promises: readonly PromiseNumber[]
  readonly level: Level
  readonly needs?: readonly Need[]
  /** Returns why the case does not apply, or undefined if it does. */
  readonly unless?: (capabilities: Capabilities) => string | undefined
  /** Marks a case that tests only that an adapter without a capability refuses to be asked for it. */
  readonly refusal?: true
  readonly alone?: Alone
  /** Marks a case that takes more than about 20 s. It runs only if long cases are requested. */
  readonly long?: true
  /** A number, or one that depends on the adapter. Default: 30 s. */
  readonly timeoutMs?: number | ((capabilities: Capabilities) => number)
  run(kit: Kit): Promise<void>
}

/**
 * - `true`: the case disturbs the broker for all, or measures time, and has the broker to itself.
 * - `'process'`: the case looks at the whole process, in which no other case runs meanwhile, on any broker.
 */
export type Alone = true | 'process'

/** The cases about one subject. */
export interface Chapter {
  readonly name: string
  readonly cases: readonly ConformanceCase[]
}
