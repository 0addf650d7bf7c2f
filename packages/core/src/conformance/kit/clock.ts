/**
 * Sets the time of day of this process, as if an operator had set the machine's clock: forward if `byMs` is positive. Returns a function
 * that sets it right again. Durations, such as those of `performance.now()` and of timers, do not notice.
 */
export function setClock(byMs: number): () => void {
  const Real = Date
  class Shifted extends Real {
    constructor(...given: readonly unknown[]) {
      if (given.length === 0) super(Real.now() + byMs)
      else super(...(given as [number]))
    }

    static override now(): number {
      return Real.now() + byMs
    }
  }
  globalThis.Date = Shifted as DateConstructor
  return () => {
    globalThis.Date = Real
  }
}
