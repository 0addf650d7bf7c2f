/** Creates a lock that many jobs can share, or one can hold alone. All requests are served in arrival order. */
export function createTurns() {
  let sharing = 0
  let alone = false
  const waiting: { readonly alone: boolean; readonly enter: () => void }[] = []

  const admit = (): void => {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      if (alone || (next.alone && sharing > 0)) return
      waiting.shift()
      if (next.alone) alone = true
      else sharing += 1
      next.enter()
    }
  }
  const enter = async (wantsAlone: boolean): Promise<void> => {
    const entered = new Promise<void>((resolve) => waiting.push({ alone: wantsAlone, enter: resolve }))
    admit()
    await entered
  }
  const leave = (wasAlone: boolean): void => {
    if (wasAlone) alone = false
    else sharing -= 1
    admit()
  }
  return {
    async take<T>(wantsAlone: boolean, work: () => Promise<T>): Promise<T> {
      await enter(wantsAlone)
      try {
        return await work()
      } finally {
        leave(wantsAlone)
      }
    },
  }
}

export interface Job<T> {
  run(): Promise<T>
  /** Says that it takes nothing from the jobs before it, so that it may run beside them. */
  readonly isApart?: boolean
}

/** A job that takes long is overtaken by at most this many times `ahead` jobs. */
const windows = 4

/**
 * Runs jobs that a sequential test runner requests one by one. While they are requested in order, the next `ahead` run beside the
 * requested one. Of the jobs apart, as large a part is begun as was requested of those before them.
 */
export function createLookAhead<T>(jobs: readonly Job<T>[], ahead: number) {
  const started = new Map<number, Promise<T>>()
  let last = -1
  let isInOrder = false
  let running = 0

  const start = (index: number): Promise<T> => {
    const found = started.get(index)
    if (found !== undefined) return found
    const job = jobs[index]
    if (job === undefined) throw new RangeError(`There is no job ${index}`)
    const result = job.run()
    started.set(index, result)
    if (!job.isApart) running += 1
    const end = (): void => {
      if (!job.isApart) running -= 1
      if (isInOrder) startNext()
    }
    // The job may never be requested, so its rejection must not count as unhandled.
    result.then(end, end)
    return result
  }

  /** Starts jobs for as long as few run. One that takes long does not keep the next ones waiting. */
  function startNext(): void {
    const until = Math.min(jobs.length, last + 1 + windows * ahead)
    for (let next = last + 1; next < until && running <= ahead; next++) if (!jobs[next]?.isApart) start(next)
  }

  function startApart(): void {
    const first = jobs.findIndex(({ isApart }) => isApart)
    if (last >= first) return
    const all = jobs.filter(({ isApart }) => isApart).length
    const wanted = Math.floor((all * (last + 1)) / first)
    for (let next = first; next < first + wanted; next++) start(next)
  }

  return {
    request(index: number): Promise<T> {
      isInOrder = index === last + 1
      last = index
      const asked = start(index)
      if (isInOrder) {
        startNext()
        startApart()
      }
      return asked
    },
    /** Starts no further job. Resolves once those that have begun have ended, also those that nobody requested. */
    async close(): Promise<void> {
      isInOrder = false
      await Promise.allSettled(started.values())
    },
  }
}
