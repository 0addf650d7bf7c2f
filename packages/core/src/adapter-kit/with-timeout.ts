/**
 * Settles as `promise` does, or rejects with `late()` once `ms` have passed. It measures real time, also with a test clock, because it
 * limits waits for real resources.
 */
export async function withTimeout<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), Math.min(ms, 2 ** 31 - 1))
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}
