import { setTimeout as sleep } from 'node:timers/promises'

export interface Deadline {
  /** The awaited event for the text of the error, such as `the queue to be empty`. */
  readonly what: string
  readonly timeoutMs?: number
}

/** Resolves with the first truthy value of `condition`. Rejects after the timeout with `what`. */
export async function until<T>(condition: () => T | Promise<T>, { what, timeoutMs = 5_000 }: Deadline): Promise<T> {
  const deadline = Date.now() + timeoutMs
  let cause: unknown
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, 100)) {
    try {
      const value = await within(Promise.resolve(condition()), { what, timeoutMs: Math.max(1, deadline - Date.now()) })
      if (value) return value
    } catch (error) {
      cause = error
    }
    if (Date.now() >= deadline) throw new Error(`Waited ${timeoutMs} ms for ${what}`, { cause })
    await sleep(Math.min(pauseMs, Math.max(1, deadline - Date.now())))
  }
}

/** Settles as `promise` does, or rejects after the timeout. The work behind `promise` continues. */
export async function within<T>(promise: Promise<T>, { what, timeoutMs = 5_000 }: Deadline): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${timeoutMs} ms for ${what}`)), timeoutMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
