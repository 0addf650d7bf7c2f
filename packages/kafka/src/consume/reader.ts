import type { Cluster, TopicPartition } from '../driver/cluster.js'
import { type Feed, Fetcher, type FetchListener, type RecordSink } from '../driver/fetcher.js'

/** The connections over which a consumer reads the records of its group. */
export interface ReadConnections {
  /** The connection for new messages. */
  readonly main: Cluster
  /** The connection for messages that wait for their time. */
  readonly waiting: Cluster
}

export interface ReaderOptions {
  /** Returns whether a topic holds new messages. */
  readonly isMain: (topic: string) => boolean
  readonly connections: ReadConnections
  readonly sink: RecordSink
  readonly listener: FetchListener
}

/**
 * Reads the topics of a consumer over two connections. A broker looks at every partition that a request names, and there are many
 * that hardly ever have anything: those of messages that wait for their time.
 */
export class Reader {
  readonly #isMain: (topic: string) => boolean
  readonly #main: Fetcher
  readonly #waiting: Fetcher

  constructor({ isMain, connections, sink, listener }: ReaderOptions) {
    this.#isMain = isMain
    // If a broker fails, both of them do. This is reported once.
    const once: FetchListener = {
      ...listener,
      failing: (error) => {
        if (!this.#main.isFailing || !this.#waiting.isFailing) listener.failing(error)
      },
    }
    this.#main = new Fetcher(connections.main, sink, once)
    this.#waiting = new Fetcher(connections.waiting, sink, once)
  }

  get isFailing(): boolean {
    return this.#main.isFailing || this.#waiting.isFailing
  }

  add(at: TopicPartition, from: number, identity?: string): Feed {
    return (this.#isMain(at.topic) ? this.#main : this.#waiting).add(at, from, identity)
  }

  stop(): void {
    this.#main.stop()
    this.#waiting.stop()
  }
}
