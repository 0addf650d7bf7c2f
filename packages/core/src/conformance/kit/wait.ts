export const defaultWaitMs = 10_000

export interface WaitOptions {
  /** Default: 10 s. */
  readonly timeoutMs?: number
}

const pollMs = 5

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Resolves once the signal has aborted. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/**
 * Resolves once the predicate holds. After the timeout it rejects and says what it was waiting for. As a function, `what`
 * also reports the progress so far.
 */
export async function until(
  what: string | (() => string),
  predicate: () => boolean | Promise<boolean>,
  { timeoutMs = defaultWaitMs }: WaitOptions = {},
): Promise<void> {
  const startedAt = performance.now()
  while (!(await predicate())) {
    if (performance.now() - startedAt > timeoutMs) {
      throw new Error(`Waited ${timeoutMs} ms for ${typeof what === 'string' ? what : what()}`)
    }
    await sleep(pollMs)
  }
}

/** Resolves once the count has not changed for `quietMs`, so that everything still on its way has arrived. */
export async function quiet(count: () => number, quietMs: number): Promise<void> {
  let seen = count()
  let changedAt = performance.now()
  const startedAt = changedAt
  while (performance.now() - changedAt < quietMs) {
    await sleep(pollMs)
    const now = count()
    if (now === seen) continue
    seen = now
    changedAt = performance.now()
    if (changedAt - startedAt > 60_000)
      throw new Error(
        `The count did not stay the same for ${quietMs} ms within a minute. It is ${now} and still changes`,
      )
  }
}

/** Blocks everything that awaits `opened` until the case opens it. */
export interface Gate {
  readonly opened: Promise<void>
  open(): void
}

export function createGate(): Gate {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}
