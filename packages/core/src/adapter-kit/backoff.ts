export interface BackoffOptions {
  /** The first pause. */
  readonly minMs: number
  readonly maxMs: number
  /** Takes a random time from half of each pause to all of it, so that many processes do not return at once. Default: false. */
  readonly jitter?: boolean
}

export interface BackoffPauses {
  /** Returns the pause before the next try. Each is twice as long as the one before, up to `maxMs`. */
  next(): number
  /** Starts again with `minMs`. */
  reset(): void
}

/** Creates the growing pause between tries. The caller decides when to give up. */
export function backoff({ minMs, maxMs, jitter = false }: BackoffOptions): BackoffPauses {
  let pauseMs = minMs
  return {
    next() {
      const nowMs = Math.min(pauseMs, maxMs)
      pauseMs = Math.min(2 * nowMs, maxMs)
      return jitter ? nowMs * (0.5 + Math.random() / 2) : nowMs
    },
    reset() {
      pauseMs = minMs
    },
  }
}
