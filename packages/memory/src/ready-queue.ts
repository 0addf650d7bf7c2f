import { Fifo } from '@mq/core/adapter'
import type { Entry } from './entry.js'

/** The entries that wait for a key, one of whose messages is being handled. */
interface Lane {
  readonly waiting: Fifo<Entry>
  /** False while the next entry of the key stands at the front of the queue. */
  busy: boolean
}

/** At least as many as one consumer gives back when it stops. */
const maxGivenBack = 10_000

/** Removes the items that match, keeps the order of the others, and returns those removed. */
function takeFrom(fifo: Fifo<Entry>, isTaken: (entry: Entry) => boolean): Entry[] {
  const taken: Entry[] = []
  const kept: Entry[] = []
  for (const entry of fifo) (isTaken(entry) ? taken : kept).push(entry)
  if (taken.length === 0) return taken
  fifo.clear()
  for (const entry of kept) fifo.push(entry)
  return taken
}

/**
 * The entries of a group that may be handled now. If they are taken in order, an entry whose key is busy waits in a lane of that
 * key, so that it does not hold up others.
 */
export class ReadyQueue {
  readonly #ready = new Fifo<Entry>()
  readonly #lanes = new Map<string, Lane>()
  #waiting = 0

  /** Counts the entries in lanes too. */
  get length(): number {
    return this.#ready.length + this.#waiting
  }

  add(entry: Entry): void {
    this.#ready.push(entry)
  }

  /** Takes the next entry that may start. With `ordered`, its key is then busy until `finish` or `giveBack`. */
  take(ordered: boolean): Entry | undefined {
    if (!ordered) {
      if (this.#lanes.size > 0) this.#dissolveLanes()
      return this.#ready.shift()
    }
    for (let entry = this.#ready.shift(); entry !== undefined; entry = this.#ready.shift()) {
      const { key } = entry.message
      if (key === undefined) return entry
      const lane = this.#lanes.get(key)
      if (lane === undefined) this.#lanes.set(key, { waiting: new Fifo(), busy: true })
      else if (lane.busy) {
        lane.waiting.push(entry)
        this.#waiting += 1
        continue
      } else lane.busy = true
      return entry
    }
    return undefined
  }

  /** Ends the turn of an entry that was taken and is not given back: the next entry of its key may start. */
  finish(entry: Entry): void {
    const { key } = entry.message
    const lane = key === undefined ? undefined : this.#lanes.get(key)
    if (key === undefined || lane === undefined) return
    const next = lane.waiting.shift()
    if (next === undefined) {
      this.#lanes.delete(key)
      return
    }
    this.#waiting -= 1
    lane.busy = false
    this.#ready.unshift(next)
  }

  /** Puts an entry back to the front, as if it had never been taken. */
  giveBack(entry: Entry): void {
    const { key } = entry.message
    const lane = key === undefined ? undefined : this.#lanes.get(key)
    if (lane !== undefined) lane.busy = false
    this.#ready.unshift(entry)
  }

  /** Removes the entry at the front. If all entries wait for their keys, removes the oldest entry of one key. */
  dropOldest(): Entry | undefined {
    const entry = this.#ready.shift()
    if (entry === undefined) return this.#dropWaiting()
    const { key } = entry.message
    // Its key was waiting for this entry.
    if (key !== undefined && this.#lanes.get(key)?.busy === false) this.finish(entry)
    return entry
  }

  /** Removes the entries that match and returns them. The turns of their keys pass on. */
  remove(isRemoved: (entry: Entry) => boolean): readonly Entry[] {
    const standIns = this.#standIns()
    const removed = takeFrom(this.#ready, isRemoved)
    for (const { waiting } of this.#lanes.values()) {
      const left = takeFrom(waiting, isRemoved)
      this.#waiting -= left.length
      removed.push(...left)
    }
    for (const entry of removed) if (standIns.has(entry)) this.finish(entry)
    return removed
  }

  /** The time since which the oldest entry could run. Entries that were given back stand in front, in no order of their own. */
  get oldestSince(): number | undefined {
    let oldest: number | undefined
    let seen = 0
    for (const { since } of this.#ready) {
      if (oldest === undefined || since < oldest) oldest = since
      seen += 1
      if (seen === maxGivenBack) break
    }
    for (const { waiting } of this.#lanes.values()) {
      const { first } = waiting
      if (first !== undefined && (oldest === undefined || first.since < oldest)) oldest = first.since
    }
    return oldest
  }

  /** Iterates over all entries, those in lanes last. */
  *[Symbol.iterator](): Generator<Entry> {
    yield* this.#ready
    for (const { waiting } of this.#lanes.values()) yield* waiting
  }

  /** The entries at the front of the queue that have the turn of their key. */
  #standIns(): ReadonlySet<Entry> {
    const keys = new Set([...this.#lanes].filter(([, { busy }]) => !busy).map(([key]) => key))
    const found = new Set<Entry>()
    for (const entry of this.#ready) {
      if (keys.size === 0) break
      if (entry.message.key !== undefined && keys.delete(entry.message.key)) found.add(entry)
    }
    return found
  }

  /** Removes all entries and returns them. */
  clear(): Entry[] {
    this.#dissolveLanes()
    const all = [...this.#ready]
    this.#ready.clear()
    return all
  }

  #dropWaiting(): Entry | undefined {
    for (const { waiting } of this.#lanes.values()) {
      const entry = waiting.shift()
      if (entry === undefined) continue
      this.#waiting -= 1
      return entry
    }
    return undefined
  }

  #dissolveLanes(): void {
    for (const { waiting } of this.#lanes.values()) {
      for (const entry of [...waiting].reverse()) this.#ready.unshift(entry)
    }
    this.#lanes.clear()
    this.#waiting = 0
  }
}
