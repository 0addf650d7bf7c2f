import type { PublishOutcome } from '../contract/publish-options.js'
import type { Encoded } from './encode.js'

/**
 * Waits until each of `count` messages was added or skipped. Then it sends the added ones, in order, in one call. `refuse` fails all of
 * them if nothing was sent yet; after that it does nothing.
 */
export function gather(count: number, send: (encoded: readonly Encoded[]) => Promise<readonly PublishOutcome[]>) {
  const added = new Map<number, Encoded>()
  const decided = new Set<number>()
  let refused = false
  let resolve: (outcomes: Promise<ReadonlyMap<number, PublishOutcome>>) => void
  let reject: (error: unknown) => void
  const outcomes = new Promise<ReadonlyMap<number, PublishOutcome>>((...settle) => {
    ;[resolve, reject] = settle
  })
  outcomes.catch(() => {})

  const sendAdded = async (): Promise<ReadonlyMap<number, PublishOutcome>> => {
    const indexes = [...added.keys()].sort((a, b) => a - b)
    if (indexes.length === 0) return new Map()
    const results = await send(indexes.map((index) => added.get(index) as Encoded))
    return new Map(indexes.map((index, position) => [index, results[position] as PublishOutcome]))
  }
  const decide = (index: number): void => {
    decided.add(index)
    if (decided.size === count && !refused) resolve(sendAdded())
  }

  return {
    async add(index: number, encoded: Encoded): Promise<PublishOutcome | undefined> {
      if (!decided.has(index)) added.set(index, encoded)
      decide(index)
      return (await outcomes).get(index)
    },
    skip: (index: number): void => {
      if (!decided.has(index)) decide(index)
    },
    refuse(error: unknown): void {
      if (decided.size === count) return
      refused = true
      reject(error)
    },
  }
}
