import { Fifo } from '@mq/core/adapter'
import type { Entry } from './entry.js'

/** The entries that wait for a key, one of whose messages is being handled. */
interface Lane {
  readonly waiting: Fifo<Entry>
  /** False while the next entry of the key stands at the front of the queue. */
  busy: boolean
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
