// A signal may live as long as the process, so neither of these leaves a listener on it.

/** Resolves after the time given, or as soon as one of the signals aborts. */
export async function pause(ms: number, ...signals: readonly AbortSignal[]): Promise<void> {
  if (signals.some(({ aborted }) => aborted)) return
  let end = (): void => undefined
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const timer = setTimeout(end, ms)
  for (const signal of signals) signal.addEventListener('abort', end)
  await ended
  clearTimeout(timer)
  for (const signal of signals) signal.removeEventListener('abort', end)
}

/** Settles as `work` does, or resolves with undefined as soon as the signal aborts. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  let giveUp = (): void => undefined
  const aborted = new Promise<undefined>((resolve) => {
    giveUp = () => resolve(undefined)
  })
  signal.addEventListener('abort', giveUp)
  if (signal.aborted) giveUp()
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
