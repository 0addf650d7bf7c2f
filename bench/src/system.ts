/** One way to publish and consume on one broker: ours, a raw driver, or a peer. */
export interface System {
  /** Resolves when the broker has confirmed the message. */
  publish(body: Uint8Array): Promise<void>
  /** Calls the handler for every message, up to `concurrency` at a time, and acknowledges each when it has finished. */
  consume(handler: (body: Uint8Array) => void): Promise<void>
  close(): Promise<void>
}

export interface OpenOptions {
  readonly url: string
  /** New for each measurement, with a group that was made before the first publish. */
  readonly topic: string
  readonly concurrency: number
}

export type OpenSystem = (options: OpenOptions) => Promise<System>
