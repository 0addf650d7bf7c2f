/**
 * What `promise` becomes, or a rejection with `late()` once `ms` have passed. Real time, also under a test clock: it guards
 * waits for real resources.
 */
export async function withTimeout<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), Math.min(ms, 2 ** 31 - 1))
  })
  try {
    return await Promise.race([promise, deadline])
  } finally {
    clearTimeout(timer)
  }
}
