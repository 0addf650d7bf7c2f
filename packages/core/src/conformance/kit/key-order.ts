import assert from 'node:assert/strict'
import type { HandlerContext, Message, Queue } from '../../index.js'
import { range } from './expect.js'
import { sleep } from './wait.js'

/** The data of a message in an ordered case: its number within its key, from 0. */
export interface Numbered {
  readonly index: number
}

type Handler = (message: Message, context: HandlerContext) => Promise<void>

/** Checks the order of keys across all handlers that it has created, for any consumer. */
export interface KeyOrder {
  /** Creates a handler that records its runs and does the work. */
  handler(work?: Handler): Handler
  /** Returns the numbers of a key's messages, in the order in which each first started. */
  started(key: string): readonly number[]
  /** The number of messages that have started at least once. */
  readonly total: number
  /** Throws if runs of one key overlapped, or the messages of a key did not start in the order of their numbers. */
  check(keys: readonly string[], count: number): void
}

export function createKeyOrder(): KeyOrder {
  const started = new Map<string, number[]>()
  const running = new Map<string, { readonly index: number; readonly signal: AbortSignal }>()
  const overlaps: string[] = []

  const begin = ({ key, data, attempt }: Message, { signal }: HandlerContext): (() => void) => {
    const { index } = data as Numbered
    if (key === undefined) return () => {}
    const before = running.get(key)
    // A run whose signal has aborted has lost its message. The new owner need not wait for it.
    if (before !== undefined && !before.signal.aborted) {
      overlaps.push(`${key}: ${index} (attempt ${attempt}) started while ${before.index} ran`)
    }
    const run = { index, signal }
    running.set(key, run)
    const seen = started.get(key) ?? []
    if (!seen.includes(index)) seen.push(index)
    started.set(key, seen)
    return () => {
      if (running.get(key) === run) running.delete(key)
    }
  }
  return {
    handler: (work) => async (message, context) => {
      const end = begin(message, context)
      try {
        await work?.(message, context)
      } finally {
        end()
      }
    },
    started: (key) => started.get(key) ?? [],
    get total() {
      return [...started.values()].reduce((sum, { length }) => sum + length, 0)
    },
    check(keys, count) {
      assert.deepEqual(overlaps, [], 'messages of one key that ran at once')
      for (const key of keys) assert.deepEqual(started.get(key) ?? [], range(count), `the order of the key ${key}`)
    },
  }
}

/** Publishes `count` messages for each key: the first half as a list, the others one by one. Keys run concurrently. */
export async function publishKeys(
  queue: Queue,
  topic: string,
  { keys, count }: { readonly keys: readonly string[]; readonly count: number },
): Promise<void> {
  const half = Math.floor(count / 2)
  await Promise.all(
    keys.map(async (key) => {
      const list = range(half).map((index) => ({ index }))
      await queue.publishAll(topic, list, { key })
      for (let index = half; index < count; index++) {
        await queue.publish(topic, { index }, { key })
      }
    }),
  )
}

/** Work of up to 4 ms, so that a missing lock shows. */
export const someWork = (random: () => number) => async (): Promise<void> => sleep(random() * 4)
