import { Deque } from './deque.js'
import type { Entry } from './entry.js'

/** What waits for a key whose message is being handled. */
interface Lane {
  readonly waiting: Deque<Entry>
  /** False while the next entry of the key stands at the front of the queue. */
  busy: boolean
}

/**
 * The entries of a group that may be handled now. Taken in order, an entry whose key is busy waits in a lane of its own, so
 * that it holds up nobody.
 */
export class ReadyQueue {
  readonly #ready = new Deque<Entry>()
  readonly #lanes = new Map<string, Lane>()
  #waiting = 0

  /** In lanes and out of them. */
  get length(): number {
    return this.#ready.length + this.#waiting
  }

  add(entry: Entry): void {
    this.#ready.push(entry)
  }

  /** The next entry that may start, or undefined. With `ordered`, its key is busy until `finish` or `giveBack`. */
  take(ordered: boolean): Entry | undefined {
    if (!ordered) {
      if (this.#lanes.size > 0) this.#dissolveLanes()
      return this.#ready.shift()
    }
    for (let entry = this.#ready.shift(); entry !== undefined; entry = this.#ready.shift()) {
      const { key } = entry.message
      if (key === undefined) return entry
      const lane = this.#lanes.get(key)
      if (lane === undefined) this.#lanes.set(key, { waiting: new Deque(), busy: true })
      else if (lane.busy) {
        lane.waiting.push(entry)
        this.#waiting += 1
        continue
      } else lane.busy = true
      return entry
    }
    return undefined
  }

  /** For an entry that was taken and will not come back by `giveBack`: the next one of its key may start. */
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

  /** Back to the front, as if it had never been taken. */
  giveBack(entry: Entry): void {
    const { key } = entry.message
    const lane = key === undefined ? undefined : this.#lanes.get(key)
    if (lane !== undefined) lane.busy = false
    this.#ready.unshift(entry)
  }

  /** Takes out, for good, the entry at the front; where all wait for their keys, the oldest of one key. */
  dropOldest(): Entry | undefined {
    const entry = this.#ready.shift()
    if (entry === undefined) return this.#dropWaiting()
    const { key } = entry.message
    // It was the one that its key waited for.
    if (key !== undefined && this.#lanes.get(key)?.busy === false) this.finish(entry)
    return entry
  }

  /** Takes everything out. */
  clear(): Entry[] {
    this.#dissolveLanes()
    const all = [...this.#ready]
    while (this.#ready.shift() !== undefined);
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
