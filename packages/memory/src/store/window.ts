import type { TakeAnswer, TakeOptions } from '@mq/core/adapter'

/** How much was taken in each slot of time, the oldest slot first. */
export type Slots = readonly { readonly slot: number; readonly count: number }[]

/** A taken unit counts for up to one slot longer than the window. More slots make that shorter and each call slower. */
const slotsPerWindow = 100

export interface Taken {
  readonly answer: TakeAnswer
  /** Undefined if nothing was taken. */
  readonly slots?: Slots
  /** How long the slots matter. */
  readonly ttlMs: number
}

/**
 * Takes from the first slot at which no window holds too many. It looks at slots from now on, but not before the latest slot that
 * was taken from. What was taken a whole window and a slot before does not count: at that distance no two moments are less than a
 * window apart.
 */
export function takeFromWindow(slots: Slots, options: Required<TakeOptions>, now: number): Taken {
  const { count, limit, windowMs, maxWaitMs } = options
  const widthMs = Math.ceil(windowMs / slotsPerWindow)
  const span = Math.ceil(windowMs / widthMs)
  let at = Math.max(Math.floor(now / widthMs), slots.at(-1)?.slot ?? 0)
  const counting = slots.filter(({ slot }) => slot >= at - span)
  let used = counting.reduce((sum, one) => sum + one.count, 0)
  for (const oldest of counting) {
    if (used + count <= limit) break
    used -= oldest.count
    at = oldest.slot + span + 1
  }
  const waitMs = Math.max(0, Math.ceil(at * widthMs - now))
  const ttlMs = Math.ceil((at + span + 1) * widthMs - now)
  if (waitMs > maxWaitMs) return { answer: { granted: false, retryAfterMs: waitMs }, ttlMs }
  const kept = counting.filter(({ slot }) => slot >= at - span && slot !== at)
  const before = counting.find(({ slot }) => slot === at)?.count ?? 0
  return { answer: { granted: true, waitMs }, slots: [...kept, { slot: at, count: before + count }], ttlMs }
}
