import { withTimeout } from '@mq/core/adapter'

/**
 * Resolves with the result of the first attempt that succeeds. The next attempt begins when one has failed, or beside one that has
 * not ended after its head start. Rejects if all fail.
 */
export async function firstSuccess<T>(
  [attempt, ...others]: readonly (() => Promise<T>)[],
  headStartMs: number,
): Promise<T> {
  if (attempt === undefined) throw new Error('There is nothing to try')
  const running = attempt()
  if (others.length === 0) return await running
  try {
    return await withTimeout(running, headStartMs, () => new Error('late'))
  } catch {
    return await Promise.any([running, firstSuccess(others, headStartMs)])
  }
}
