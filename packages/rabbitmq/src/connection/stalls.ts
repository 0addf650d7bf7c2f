const tickMs = 500

/** Measures how long the event loop stands still. */
export interface StallWatch {
  /** Returns the longest standstill that ended within the last `withinMs`, or that ends now. 0 if there was none. */
  longestMs(withinMs: number): number
  end(): void
}

/** Watches the event loop by the delay of a timer, which keeps no process alive. */
export function watchStalls(): StallWatch {
  const stalls: { readonly ms: number; readonly endedAt: number }[] = []
  let tickedAt = performance.now()

  function tick(): void {
    const now = performance.now()
    const ms = now - tickedAt - tickMs
    tickedAt = now
    if (ms > tickMs) stalls.push({ ms, endedAt: now })
    if (stalls.length > 100) stalls.shift()
  }

  const timer = setInterval(tick, tickMs).unref()
  return {
    longestMs(withinMs) {
      // The timer may be due, and other work was first.
      if (performance.now() - tickedAt > 2 * tickMs) tick()
      const since = performance.now() - withinMs
      return Math.max(0, ...stalls.filter(({ endedAt }) => endedAt >= since).map(({ ms }) => Math.round(ms)))
    },
    end: () => clearInterval(timer),
  }
}
