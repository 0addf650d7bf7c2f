import type { TopicPartition } from '../cluster.js'
import type { FetchRequest, PartitionFetch, SessionStep } from '../fetch.js'

/** The changes that a request tells the broker. */
export type SessionChanges = Pick<FetchRequest, 'wanted' | 'forgotten'>

/** How many requests the broker counts in a session before it begins again at 1. */
const lastEpoch = 0x7fffffff

/**
 * A fetch session (KIP-227). The broker remembers which partitions are wanted and from where, so that a request names only those that
 * have changed, and an answer only those that have something new. A broker may keep no session: then each request names all.
 */
export class FetchSession {
  #step: SessionStep = { id: 0, epoch: 0 }

  /** True if the next request has to name all partitions. */
  get isNew(): boolean {
    return this.#step.id === 0
  }

  get step(): SessionStep {
    return this.#step
  }

  /** Takes note of an answer. */
  answered(id: number): void {
    if (id === 0) this.reset()
    else this.#step = { id, epoch: this.#step.epoch === lastEpoch ? 1 : this.#step.epoch + 1 }
  }

  /** Begins a new session, because it is not known what the broker remembers. */
  reset(): void {
    this.#step = { id: 0, epoch: 0 }
  }
}

export const noChanges = (): { readonly wanted: PartitionFetch[]; readonly forgotten: TopicPartition[] } => ({
  wanted: [],
  forgotten: [],
})
