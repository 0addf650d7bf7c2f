import { withTimeout } from '@mq/core/adapter'

/** Lets callers wait for the next change of something. */
export class Waiters {
  readonly #waiting = new Set<() => void>()

  /** Resolves at the next `wake`, or after the time given. */
  async wait(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, timeoutMs)
      this.#waiting.add(done)
    })
  }

  /** Wakes all waiters. */
  wake(): void {
    if (this.#waiting.size === 0) return
    for (const resolve of [...this.#waiting]) resolve()
  }
}

/** Resolves when the promise settles, or after the time given. */
export async function settledWithin(promise: Promise<unknown>, timeoutMs: number): Promise<void> {
  await withTimeout(promise, timeoutMs, () => new Error('late')).catch(() => {})
}
