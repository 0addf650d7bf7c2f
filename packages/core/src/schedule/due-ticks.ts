import type { Clock, ClockTimer } from '../clock.js'
import { isMqError } from '../errors.js'
import type { Log } from '../log.js'

export interface DueTicksOptions {
  readonly clock: Clock
  readonly log: Log
  readonly send: (time: number) => Promise<unknown>
  /** The queue is closed: nothing can be published any more. */
  readonly closed: () => void
}

const pauseMs = 1_000
/** Of ticks that wait for the broker. Beyond it the oldest is given up: in a long outage of a schedule that ticks each second. */
const mostWaiting = 1_000

/** Publishes ticks whose time has come: at once, and again each second as long as the broker does not take them. */
export function createDueTicks({ clock, log, send, closed }: DueTicksOptions) {
  const waiting = new Set<number>()
  let timer: ClockTimer | undefined
  let isStopped = false

  const keep = (time: number, error: unknown): void => {
    if (isMqError(error, 'MQ_CLOSED')) {
      closed()
      return
    }
    if (waiting.size === 0) log.warn('A tick could not be published; it is tried again each second', { error })
    waiting.add(time)
    const [oldest] = waiting
    if (waiting.size > mostWaiting && oldest !== undefined) {
      waiting.delete(oldest)
      log.error('A tick was given up: too many wait for the broker', { tick: new Date(oldest), error })
    }
    arm()
  }
  const arm = (): void => {
    if (isStopped || timer !== undefined) return
    timer = clock.setTimeout(() => void again(), pauseMs)
  }
  /** One after the other up to the first that fails: the broker may still be down. */
  async function again(): Promise<void> {
    for (const time of waiting) {
      if (isStopped) return
      try {
        await send(time)
        waiting.delete(time)
      } catch (error) {
        if (isMqError(error, 'MQ_CLOSED')) closed()
        break
      }
    }
    timer = undefined
    if (waiting.size > 0) arm()
  }

  return {
    /** Never rejects. */
    publish: (time: number): Promise<void> =>
      send(time).then(
        () => {},
        (error) => keep(time, error),
      ),
    stop(): void {
      isStopped = true
      waiting.clear()
      timer?.cancel()
    },
  }
}
