import type { Cluster } from '../driver/cluster.js'
import { Fetcher, type FetchListener } from '../driver/fetcher.js'
import type { TopicPartition } from '../driver/topic-partition.js'

export interface ReaderOptions {
  /** The topic that new messages come from, and the connection that it is read over. */
  readonly topic: string
  readonly main: Cluster
  /** For all other topics. */
  readonly waiting: Cluster
  readonly listener: FetchListener
}

/**
 * Reads the topics of a consumer over two connections: one for new messages, one for what waits for its time. A broker looks
 * at every partition that a request names, and there are many of those that hardly ever have anything.
 */
export class Reader {
  readonly #topic: string
  readonly #main: Fetcher
  readonly #waiting: Fetcher

  constructor({ topic, main, waiting, listener }: ReaderOptions) {
    this.#topic = topic
    // When a broker fails, both of them do: it is told once.
    const once: FetchListener = {
      ...listener,
      failing: (error) => {
        if (!this.#main.isFailing || !this.#waiting.isFailing) listener.failing(error)
      },
    }
    this.#main = new Fetcher(main, once)
    this.#waiting = new Fetcher(waiting, once)
  }

  get isFailing(): boolean {
    return this.#main.isFailing || this.#waiting.isFailing
  }

  add(at: TopicPartition, from: number): void {
    this.#of(at).add(at, from)
  }

  remove(at: TopicPartition): void {
    this.#of(at).remove(at)
  }

  pause(at: TopicPartition): void {
    this.#of(at).pause(at)
  }

  resume(at: TopicPartition): void {
    this.#of(at).resume(at)
  }

  stop(): void {
    this.#main.stop()
    this.#waiting.stop()
  }

  #of({ topic }: TopicPartition): Fetcher {
    return topic === this.#topic ? this.#main : this.#waiting
  }
}
