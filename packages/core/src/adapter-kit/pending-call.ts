import type { PublishCall, StoreOutcome } from '../contract/adapter.js'
import { MqError } from '../contract/errors.js'

/** How long a call may take. Messages of the adapter itself need no signal; `timeoutMs` may be `Infinity`. */
export type PublishLimits = Pick<PublishCall, 'timeoutMs'> & Partial<Pick<PublishCall, 'signal'>>

/** A call of `publish` as its parcels see it. */
export interface PendingCall {
  isSettled(index: number): boolean
  /** Sets the outcome of one message. The first one counts; what comes after it is ignored. */
  settle(index: number, outcome: StoreOutcome): void
}

/** A message on its way to the broker. Each adapter has an object of its own for it, with these fields. */
export interface PendingParcel {
  readonly call: PendingCall
  /** Its place in the call. */
  readonly index: number
  /**
   * True while the broker may have the message: set it before the message is sent, and set it back only if the broker certainly
   * did not store it. It decides between `unknown` and `rejected`.
   */
  maybeStored: boolean
}

/** Why a message has no better outcome: the end of a sentence, without a full stop. */
export interface GiveUpReason {
  readonly why: string
  readonly cause?: unknown
}

export const isParcelSettled = ({ call, index }: PendingParcel): boolean => call.isSettled(index)

export const settleParcel = ({ call, index }: PendingParcel, outcome: StoreOutcome): void => call.settle(index, outcome)

/** Settles a message for which no answer will come: as `unknown` if the broker may have it, as `rejected` if not. */
export const giveUpParcel = ({ call, index, maybeStored }: PendingParcel, reason: GiveUpReason): void =>
  call.settle(index, maybeStored ? unknownOutcome(reason) : rejectedOutcome(reason))

/** The outcome of a message that the broker certainly does not have. */
export function rejectedOutcome({ why, cause }: GiveUpReason): StoreOutcome {
  const error = new MqError('MQ_PUBLISH_REJECTED', `The message was not stored: ${why}`, causeOf(cause))
  return { status: 'rejected', routed: 'unknown', error }
}

/** The outcome of a message that the broker may have. */
export function unknownOutcome({ why, cause }: GiveUpReason): StoreOutcome {
  const error = new MqError('MQ_PUBLISH_UNKNOWN', `The message may or may not be stored: ${why}`, causeOf(cause))
  return { status: 'unknown', routed: 'unknown', error }
}

const causeOf = (cause: unknown): { readonly cause?: unknown } => (cause === undefined ? {} : { cause })

/** One call. It is a class without closures, as there is one for each publish. */
export class OpenCall<Parcel> implements PendingCall {
  readonly #outcomes: (StoreOutcome | undefined)[]
  /** The parcels without an outcome, by index. */
  readonly #parcels: (Parcel | undefined)[]
  readonly #limits: PublishLimits
  readonly #endsAt: number
  readonly #onEnd: (call: OpenCall<Parcel>) => void
  readonly #resolve: (outcomes: readonly StoreOutcome[]) => void
  #open: number
  #sweeps = 0

  constructor(
    { count, limits }: { readonly count: number; readonly limits: PublishLimits },
    resolve: (outcomes: readonly StoreOutcome[]) => void,
    onEnd: (call: OpenCall<Parcel>) => void,
  ) {
    this.#outcomes = new Array(count)
    this.#parcels = new Array(count)
    this.#limits = limits
    this.#endsAt = performance.now() + limits.timeoutMs
    this.#onEnd = onEnd
    this.#resolve = resolve
    this.#open = count
  }

  isSettled(index: number): boolean {
    return this.#outcomes[index] !== undefined
  }

  settle(index: number, outcome: StoreOutcome): void {
    if (this.#outcomes[index] !== undefined) return
    this.#outcomes[index] = outcome
    this.#parcels[index] = undefined
    this.#open -= 1
    if (this.#open > 0) return
    this.#onEnd(this)
    this.#resolve(this.#outcomes as readonly StoreOutcome[])
  }

  /** Keeps the parcel of a message until it is settled. */
  keep(index: number, parcel: Parcel): void {
    if (this.#outcomes[index] === undefined) this.#parcels[index] = parcel
  }

  get openParcels(): readonly Parcel[] {
    return this.#parcels.filter((parcel) => parcel !== undefined)
  }

  get abortReason(): unknown {
    return this.#limits.signal?.reason
  }

  /** Called by each sweep. The signal is read from the second one on: reading creates it, and most calls end before. */
  overdue(now: number): 'time' | 'abort' | undefined {
    if (now >= this.#endsAt) return 'time'
    return this.#sweeps++ > 0 && this.#limits.signal?.aborted ? 'abort' : undefined
  }
}
