/** A signal that aborts with the first of several. It is created on first access. */
export interface JoinedSignal {
  readonly signal: AbortSignal
  /** Removes the listeners from the other signals, which no longer hold it or abort it. */
  end(): void
}

/**
 * Does the work of `AbortSignal.any` with plain listeners. `AbortSignal.any` holds its sources weakly; Node 24.16 and later can lose an
 * abort if its source was collected first.
 */
class Joined implements JoinedSignal {
  readonly #sources: () => readonly AbortSignal[]
  #controller: AbortController | undefined
  #unfollow: (() => void) | undefined
  #hasEnded = false

  constructor(sources: () => readonly AbortSignal[]) {
    this.#sources = sources
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      this.#follow(this.#controller, this.#sources())
    }
    return this.#controller.signal
  }

  end(): void {
    this.#hasEnded = true
    this.#unfollow?.()
  }

  #follow(controller: AbortController, sources: readonly AbortSignal[]): void {
    const aborted = sources.find((source) => source.aborted)
    if (aborted !== undefined) controller.abort(aborted.reason)
    if (aborted !== undefined || this.#hasEnded) return
    const abort = ({ target }: Event): void => {
      this.#unfollow?.()
      controller.abort((target as AbortSignal).reason)
    }
    this.#unfollow = () => {
      this.#unfollow = undefined
      for (const source of sources) source.removeEventListener('abort', abort)
    }
    for (const source of sources) source.addEventListener('abort', abort)
  }
}

export const joinedSignal = (sources: () => readonly AbortSignal[]): JoinedSignal => new Joined(sources)
