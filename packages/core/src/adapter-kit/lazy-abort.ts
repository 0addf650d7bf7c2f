/** An `AbortController` that is created when its signal is read. */
export interface LazyAbort {
  readonly signal: AbortSignal
  readonly aborted: boolean
  /** Aborts the signal. Only the first call counts. */
  abort(reason: unknown): void
}

/**
 * Creates no controller before the signal is read. Most handlers never read it, and creating one takes a measurable part of the time
 * that handling a message takes.
 *
 * See docs/decisions/0001-publish-deadline-as-a-number.md and docs/decisions/0005-closure-or-class.md.
 */
class LazyAbortController implements LazyAbort {
  #controller: AbortController | undefined
  #aborted = false
  #reason: unknown

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#aborted) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  get aborted(): boolean {
    return this.#aborted
  }

  abort(reason: unknown): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#reason = reason
    this.#controller?.abort(reason)
  }
}

/** Creates an `AbortController` that costs nothing until its signal is read. */
export const lazyAbort = (): LazyAbort => new LazyAbortController()
