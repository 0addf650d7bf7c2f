/** One way to publish and consume on one broker: ours, a raw driver, or another library. */
export interface System {
  /** Resolves once the broker has confirmed the message. */
  publish(body: Uint8Array): Promise<void>
  /** Calls the handler for every message, up to `concurrency` at a time. Acknowledges each message once its handler has finished. */
  consume(handler: (body: Uint8Array) => void): Promise<void>
  close(): Promise<void>
}

export interface OpenOptions {
  readonly url: string
  /** New for each measurement. Its group is created before the first publish. */
  readonly topic: string
  readonly concurrency: number
}

export type OpenSystem = (options: OpenOptions) => Promise<System>
