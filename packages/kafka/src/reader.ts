import type { Cluster } from './driver/cluster.js'
import { Fetcher, type FetchListener } from './driver/fetcher.js'
import type { TopicPartition } from './driver/requests.js'

export interface ReaderOptions {
  readonly openCluster: () => Cluster
  /** The one that new messages come from. */
  readonly topic: string
  readonly listener: FetchListener
}

/**
 * Reads the topics of a consumer over two connections: one for new messages, one for what waits for its time. A broker looks
 * at every partition that a request names, and there are many of those that hardly ever have anything.
 */
export class Reader {
  readonly #topic: string
  readonly #clusters: readonly [Cluster, Cluster]
  readonly #main: Fetcher
  readonly #waiting: Fetcher

  constructor({ openCluster, topic, listener }: ReaderOptions) {
    this.#topic = topic
    const wasFailing = (): boolean => this.#main.isFailing && this.#waiting.isFailing
    // Both of them fail when a broker does: that is told once.
    const once: FetchListener = { ...listener, failing: (error) => wasFailing() || listener.failing(error) }
    this.#clusters = [openCluster(), openCluster()]
    this.#main = new Fetcher(this.#clusters[0], once)
    this.#waiting = new Fetcher(this.#clusters[1], once)
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

  /** Its sockets, at once. */
  close(): void {
    for (const cluster of this.#clusters) cluster.close()
  }

  #of({ topic }: TopicPartition): Fetcher {
    return topic === this.#topic ? this.#main : this.#waiting
  }
}
