/** The data of a message, which every contender sends as JSON. `bodyOf` makes one of a certain size. */
export interface Body {
  readonly number: number
  readonly text: string
}

/** One way to publish and consume on one broker: ours, a raw driver, or another library. */
export interface System {
  /** Resolves once the broker has confirmed the message. */
  publish(body: Body): Promise<void>
  /** Calls the handler for every message, up to `concurrency` at a time. Acknowledges each message once its handler has finished. */
  consume(handler: (body: Body) => void): Promise<void>
  close(): Promise<void>
}

export interface OpenOptions {
  readonly url: string
  /** New for each measurement. Its group is created before the first publish. */
  readonly topic: string
  readonly concurrency: number
  /** Says that the topic and its group exist, because another process of the measurement has opened them. Default: false. */
  readonly isPrepared?: boolean
}

export type OpenSystem = (options: OpenOptions) => Promise<System>

const frameBytes = JSON.stringify({ number: 0, text: '' }).length

/** Returns a body whose JSON has about so many bytes, and at least those of an empty text. */
export const bodyOf = (number: number, bytes: number): Body => ({
  number,
  text: 'x'.repeat(Math.max(0, bytes - frameBytes)),
})
