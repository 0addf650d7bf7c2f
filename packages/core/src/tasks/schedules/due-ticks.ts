import type { Clock, ClockTimer } from '../../contract/clock.js'
import { describeWithStack } from '../../contract/failure.js'
import type { Log } from '../../contract/log.js'
import type { Tick } from './tick-message.js'

export interface DueTicksOptions {
  readonly clock: Clock
  readonly log: Log
  readonly send: (tick: Tick) => Promise<unknown>
}

const pauseMs = 1_000
/** How many ticks wait for the broker. Beyond it the oldest is dropped, as in a long outage with a tick each second. */
const maxWaiting = 1_000

/** Publishes ticks whose time has come. If the broker does not take them, it tries again each second. */
export function createDueTicks({ clock, log, send }: DueTicksOptions) {
  const waiting = new Set<Tick>()
  let timer: ClockTimer | undefined
  let isStopped = false

  const keep = (tick: Tick, error: unknown): void => {
    if (isStopped) return
    if (waiting.size === 0)
      log.warn('A tick could not be published; it is tried again each second', { error: describeWithStack(error) })
    waiting.add(tick)
    const [oldest] = waiting
    if (waiting.size > maxWaiting && oldest !== undefined) {
      waiting.delete(oldest)
      log.error('A tick was given up: too many wait for the broker', { tick: new Date(oldest.time), error })
    }
    arm()
  }
  const arm = (): void => {
    if (isStopped || timer !== undefined) return
    timer = clock.setTimeout(() => void publishWaiting(), pauseMs)
  }
  /** Publishes one after the other, up to the first that fails, because the broker may still be down. */
  async function publishWaiting(): Promise<void> {
    for (const tick of waiting) {
      if (isStopped) return
      try {
        await send(tick)
        waiting.delete(tick)
      } catch {
        break
      }
    }
    timer = undefined
    if (waiting.size > 0) arm()
  }

  return {
    /** Never rejects. */
    publish: (tick: Tick): Promise<void> =>
      send(tick).then(
        () => {},
        (error) => keep(tick, error),
      ),
    stop(): void {
      isStopped = true
      waiting.clear()
      timer?.cancel()
    },
  }
}
