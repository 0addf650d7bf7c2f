/** A signal that aborts with the first of several; made only when somebody looks at it. */
export interface JoinedSignal {
  readonly signal: AbortSignal
  /** What follows is of no interest to anybody: none of the others holds or aborts it any more. */
  end(): void
}

/**
 * `AbortSignal.any` in plain listeners. What that makes refers to the others weakly, and Node 24.16 and later ask them only
 * when somebody looks: one that has aborted and been collected by then is taken for one that never did.
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
