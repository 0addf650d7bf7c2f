import type { Clock } from '@mq/core/adapter'

/** A clock that stands still until a test moves it. */
export interface TestClock extends Clock {
  /**
   * Moves the time on and runs what falls due on the way, each callback at its own time. Between two of them it gives promises and
   * immediates a turn. It does not wait for handlers that wait for something real; `settled()` does.
   */
  advance(ms: number): Promise<void>
  /** Returns how many milliseconds are left until the next callback. Returns undefined if there is none. */
  untilNext(): number | undefined
}

const start = Date.UTC(2026, 0, 1)

/** Lets pending work run. It takes several turns, as a handler may wait for an immediate of its own. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Creates a clock that begins at `startAt`. Default: the beginning of 2026, UTC. */
export function testClock(options: { readonly startAt?: Date } = {}): TestClock {
  const startedAt = options.startAt?.getTime() ?? start
  let now = startedAt
  const pending = new Map<number, { readonly due: number; readonly callback: () => void }>()
  let made = 0

  const earliest = (): number | undefined => {
    let found: number | undefined
    for (const [id, { due }] of pending) {
      if (found === undefined || due < (pending.get(found)?.due ?? Number.POSITIVE_INFINITY)) found = id
    }
    return found
  }

  return {
    now: () => now,
    monotonic: () => now - startedAt,
    setTimeout(callback, delayMs) {
      const id = made++
      pending.set(id, { due: now + Math.max(0, delayMs), callback })
      return { cancel: () => void pending.delete(id) }
    },
    setAlarm(callback, time) {
      return this.setTimeout(callback, time - now)
    },
    untilNext() {
      const due = pending.get(earliest() ?? -1)?.due
      return due === undefined ? undefined : Math.max(0, due - now)
    },
    async advance(ms) {
      if (!(ms >= 0)) throw new RangeError(`A clock goes forward: advance(${ms})`)
      const target = now + ms
      await turns()
      for (let id = earliest(); id !== undefined; id = earliest()) {
        const timer = pending.get(id)
        if (timer === undefined || timer.due > target) break
        pending.delete(id)
        now = Math.max(now, timer.due)
        timer.callback()
        await turns()
      }
      now = Math.max(now, target)
    },
  }
}
