import { isMqError, MqError } from '@mq/core'
import { withoutSecrets, withTimeout } from '@mq/core/adapter'
import { visible } from '../text/visible.js'

/** The reason why something is not known. It is a text for people and shows no password. */
export interface Problem {
  readonly code: string | undefined
  readonly text: string
}

/** The answer of the broker, or the reason why there is none. */
export type Reading<T> =
  | { readonly value: T; readonly problem?: undefined }
  | { readonly problem: Problem; readonly value?: undefined }

interface Shared {
  readonly at: number
  readonly reading: Promise<Reading<unknown>>
}

const maxShared = 2_000
const briefMs = 1_000

/** Creates the reads of one page. Each has a deadline, none rejects, and those who ask for the same thing share one. */
export function createReads({ timeoutMs }: { readonly timeoutMs: number }) {
  const shared = new Map<string, Shared>()
  let lastLate = Number.NEGATIVE_INFINITY

  async function read<T>(work: () => Promise<T>): Promise<Reading<T>> {
    // A page asks for many things. If the broker is silent, the first one waits for long, and the others do not add up.
    const isSilent = performance.now() - lastLate < timeoutMs
    const withinMs = isSilent ? Math.min(timeoutMs, briefMs) : timeoutMs
    const late = (): Error => {
      lastLate = performance.now()
      return new MqError('MQ_TIMEOUT', `The broker did not answer within ${withinMs} ms`)
    }
    try {
      return { value: await withTimeout((async () => work())(), withinMs, late) }
    } catch (error) {
      return { problem: problemOf(error) }
    }
  }

  return {
    timeoutMs,
    read,
    /** Returns the answer to an earlier read of the same key if it is not older than that. */
    share<T>(key: string, maxAgeMs: number, work: () => Promise<T>): Promise<Reading<T>> {
      const held = shared.get(key)
      if (held !== undefined && performance.now() - held.at < maxAgeMs) return held.reading as Promise<Reading<T>>
      const one: Shared = { at: performance.now(), reading: read(work) }
      shared.delete(key)
      shared.set(key, one)
      // Messages are large, so nothing is kept for longer than it is shared.
      setTimeout(() => shared.get(key) === one && shared.delete(key), maxAgeMs).unref()
      const [oldest] = shared.keys()
      if (shared.size > maxShared && oldest !== undefined) shared.delete(oldest)
      return one.reading as Promise<Reading<T>>
    },
    /** Forgets the answers whose keys begin so, because something was changed. */
    forget(prefix: string): void {
      for (const key of shared.keys()) if (key.startsWith(prefix)) shared.delete(key)
    },
  }
}

export type Reads = ReturnType<typeof createReads>

const maxTextLength = 600

/** Describes an error for people, without its stack and without a password. */
export function problemOf(error: unknown): Problem {
  const { message } = (error ?? {}) as { readonly message?: unknown }
  const text = visible(
    withoutSecrets(typeof message === 'string' ? message : 'Something failed').slice(0, maxTextLength),
  )
  return { code: isMqError(error) ? error.code : undefined, text }
}

/** Does the work for each item, some at a time, and keeps their order. */
export async function eachOf<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  for (let at = 0; at < items.length; at += atOnce) {
    results.push(...(await Promise.all(items.slice(at, at + atOnce).map(work))))
  }
  return results
}
