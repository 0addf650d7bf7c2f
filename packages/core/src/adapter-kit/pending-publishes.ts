import type { PublishCall, StoreOutcome } from '../contract/adapter.js'
import { MqError } from '../contract/errors.js'
import { closedError } from './adapter-state.js'

/** How late the end of a time limit, or an abort, may be noticed. */
const sweepMs = 50
const maxTimerMs = 2 ** 31 - 1

export interface PendingPublishesOptions<Parcel> {
  /** Says why a message had no outcome before its time was over or its caller aborted. */
  readonly late: (parcel: Parcel) => GiveUpReason
  /** Called after each sweep with the number of calls that it gave up. There are no sweeps while no call is pending. */
  readonly onSweep?: (givenUp: number) => void
}

export interface PendingPublishes<Parcel> {
  /** How many calls are pending. */
  readonly size: number
  readonly isClosed: boolean
  /**
   * Calls `send` for each message: it makes the parcel of the message, queues it and returns it. Resolves with one outcome per
   * message, in order, shortly after the limits at the latest. A message for which `send` throws is rejected; it must not be queued.
   */
  add(
    limits: PublishLimits,
    count: number,
    send: (call: PendingCall, index: number) => Parcel,
  ): Promise<readonly StoreOutcome[]>
  /** Waits until no call is pending, `timeoutMs` at most. Then it gives up the rest, and from then on `add` rejects each message. */
  close(timeoutMs: number): Promise<void>
}

/**
 * Creates the bookkeeping of an adapter's calls of `publish`. Each call has one outcome per message, and ends in time or soon after
 * its caller aborts. A message that the broker may have is never reported as rejected.
 */
export function pendingPublishes<Parcel extends PendingParcel>({
  late,
  onSweep,
}: PendingPublishesOptions<Parcel>): PendingPublishes<Parcel> {
  const calls = new Set<OpenCall<Parcel>>()
  const idleWaiters = new Set<() => void>()
  let sweeper: NodeJS.Timeout | undefined
  let isClosed = false

  function onEnd(call: OpenCall<Parcel>): void {
    calls.delete(call)
    if (calls.size === 0) for (const resolve of idleWaiters) resolve()
  }

  function sweep(): void {
    const now = performance.now()
    let givenUp = 0
    for (const call of calls) {
      const overdue = call.overdue(now)
      if (overdue === undefined) continue
      givenUp += 1
      giveUpCall(call, overdue === 'time' ? late : (parcel) => aborted(late(parcel), call.abortReason))
    }
    onSweep?.(givenUp)
    if (calls.size === 0) stopSweeping()
  }

  function stopSweeping(): void {
    clearInterval(sweeper)
    sweeper = undefined
  }

  return {
    get size() {
      return calls.size
    },
    get isClosed() {
      return isClosed
    },
    add(limits, count, send) {
      if (isClosed) return Promise.resolve(Array.from({ length: count }, () => rejectedOutcome(disconnected())))
      return new Promise((resolve) => {
        if (count === 0) return resolve([])
        const call = new OpenCall<Parcel>({ count, limits }, resolve, onEnd)
        calls.add(call)
        sweeper ??= setInterval(sweep, sweepMs)
        for (let index = 0; index < count; index++) {
          try {
            call.keep(index, send(call, index))
          } catch (cause) {
            call.settle(index, rejectedOutcome({ why: 'it could not be prepared', cause }))
          }
        }
      })
    },
    async close(timeoutMs) {
      if (calls.size > 0 && timeoutMs > 0) await untilIdle(idleWaiters, timeoutMs)
      isClosed = true
      for (const call of calls) giveUpCall(call, disconnected)
      stopSweeping()
    },
  }
}

function giveUpCall<Parcel extends PendingParcel>(
  call: OpenCall<Parcel>,
  reasonFor: (parcel: Parcel) => GiveUpReason,
): void {
  for (const parcel of call.openParcels) giveUpParcel(parcel, reasonFor(parcel))
}

const disconnected = (): GiveUpReason => ({ why: 'the adapter was disconnected', cause: closedError() })

const aborted = ({ why, cause }: GiveUpReason, reason: unknown): GiveUpReason => ({
  why: `the caller has aborted (${why})`,
  cause: reason ?? cause,
})

/** Resolves when one of `idleWaiters` is called, or after the time given. */
async function untilIdle(idleWaiters: Set<() => void>, timeoutMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      idleWaiters.delete(done)
      resolve()
    }
    const timer = setTimeout(done, Math.min(timeoutMs, maxTimerMs))
    idleWaiters.add(done)
  })
}

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
class OpenCall<Parcel> implements PendingCall {
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
