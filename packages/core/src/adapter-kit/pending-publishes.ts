import type { StoreOutcome } from '../contract/adapter.js'
import { closedError } from './adapter-state.js'
import {
  type GiveUpReason,
  giveUpParcel,
  OpenCall,
  type PendingCall,
  type PendingParcel,
  type PublishLimits,
  rejectedOutcome,
} from './pending-call.js'

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
