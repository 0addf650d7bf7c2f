/** Counts the calls that have begun and not ended. */
export function createOpenCalls() {
  let open = 0
  let onIdle: (() => void) | undefined

  return {
    async track<T>(call: () => Promise<T>): Promise<T> {
      open += 1
      try {
        return await call()
      } finally {
        open -= 1
        if (open === 0) onIdle?.()
      }
    },
    /** Resolves when no call is open, after `ms` at the latest. It measures real time, because it waits for real resources. */
    async ended(ms: number): Promise<void> {
      if (open === 0) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(ms, 2 ** 31 - 1))
        onIdle = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    },
  }
}
