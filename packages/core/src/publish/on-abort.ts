const callbacks = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls `callback` when the signal aborts, and returns a function that removes it. All callbacks of a signal share one listener: with
 * more than ten, Node warns of a leak.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  let waiting = callbacks.get(signal)
  if (waiting === undefined) {
    waiting = new Set()
    callbacks.set(signal, waiting)
    signal.addEventListener('abort', callAll, { once: true })
  }
  const own = waiting
  own.add(callback)
  return () => {
    own.delete(callback)
    if (own.size > 0 || callbacks.get(signal) !== own) return
    callbacks.delete(signal)
    signal.removeEventListener('abort', callAll)
  }
}

function callAll({ currentTarget }: Event): void {
  const signal = currentTarget as AbortSignal
  const waiting = callbacks.get(signal)
  callbacks.delete(signal)
  for (const callback of waiting ?? []) callback()
}
