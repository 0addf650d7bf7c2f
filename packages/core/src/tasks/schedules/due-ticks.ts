import type { Clock, ClockTimer } from '../../contract/clock.js'
import type { Log } from '../../contract/log.js'
import type { Tick } from './tick-message.js'

export interface DueTicksOptions {
  readonly clock: Clock
  readonly log: Log
  readonly send: (tick: Tick) => Promise<unknown>
}

const pauseMs = 1_000
/** Of ticks that wait for the broker. Beyond it the oldest is given up: in a long outage of a schedule that ticks each second. */
const mostWaiting = 1_000

/** Publishes ticks whose time has come: at once, and again each second as long as the broker does not take them. */
export function createDueTicks({ clock, log, send }: DueTicksOptions) {
  const waiting = new Set<Tick>()
  let timer: ClockTimer | undefined
  let isStopped = false

  const keep = (tick: Tick, error: unknown): void => {
    if (isStopped) return
    if (waiting.size === 0) log.warn('A tick could not be published; it is tried again each second', { error })
    waiting.add(tick)
    const [oldest] = waiting
    if (waiting.size > mostWaiting && oldest !== undefined) {
      waiting.delete(oldest)
      log.error('A tick was given up: too many wait for the broker', { tick: new Date(oldest.time), error })
    }
    arm()
  }
  const arm = (): void => {
    if (isStopped || timer !== undefined) return
    timer = clock.setTimeout(() => void again(), pauseMs)
  }
  /** One after the other up to the first that fails: the broker may still be down. */
  async function again(): Promise<void> {
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
