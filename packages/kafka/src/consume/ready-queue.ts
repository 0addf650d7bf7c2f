import { KeyLanes } from '@mq/core/adapter'
import type { Entry, Origin } from './entry.js'

/** The entries that wait for a free handler: one of each key at a time. Partitions take turns. */
export class ReadyQueue {
  readonly #lanes = new KeyLanes<Entry>()
  /** The partitions that have a ready entry. The first one has the next turn. */
  #turns: Origin[] = []

  /** Makes the entry ready when no other of its key is before it. */
  enter(entry: Entry): void {
    if (entry.key === undefined || this.#lanes.enter(entry.key, entry)) this.#add(entry)
  }

  /** Makes the next entry of the same key ready. Passes over entries that were discarded or removed while they waited. */
  leave(entry: Entry): void {
    let next = this.#lanes.leave(entry.key, entry)
    while (next !== undefined && next.state !== 'waiting') next = this.#lanes.leave(next.key, next)
    if (next !== undefined) this.#add(next)
  }

  /** Takes the next entry out. */
  shift(): Entry | undefined {
    for (let tracker = this.#turns.shift(); tracker !== undefined; tracker = this.#turns.shift()) {
      const entry = tracker.ready.shift()
      if (tracker.ready.length > 0) this.#turns.push(tracker)
      if (entry?.state === 'ready') return entry
    }
    return undefined
  }

  /** Takes the entries of a partition out. */
  remove(tracker: Origin): void {
    tracker.ready.clear()
    this.#turns = this.#turns.filter((one) => one !== tracker)
  }

  #add(entry: Entry): void {
    const { tracker } = entry
    entry.state = 'ready'
    if (tracker.ready.length === 0) this.#turns.push(tracker)
    tracker.ready.push(entry)
  }
}
