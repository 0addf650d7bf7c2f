export interface BacklogJob {
  readonly phase: 'fill' | 'drain'
  /** The contender, by the name of its file. */
  readonly system: string
  readonly url: string
  readonly topic: string
  readonly messages: number
  readonly bytes: number
}

export interface Drained {
  /** From the call that begins to consume until the first message is handled. */
  readonly firstMs: number
  /** After the first message. */
  readonly drainPerSecond: number
  /** Resident memory of the process that drained. */
  readonly peakMiB: number
}
