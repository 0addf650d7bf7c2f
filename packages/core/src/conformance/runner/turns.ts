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

/**
 * Runs jobs that a sequential test runner requests one by one. While they are requested in order, the next `ahead` jobs are already
 * running, and as large a part of those apart as was requested of the jobs before them.
 */
export function createLookAhead<T>(jobs: readonly Job<T>[], ahead: number) {
  const started = new Map<number, Promise<T>>()
  let last = -1

  const start = (index: number): Promise<T> => {
    const found = started.get(index)
    if (found !== undefined) return found
    const job = jobs[index]
    if (job === undefined) throw new RangeError(`There is no job ${index}`)
    const result = job.run()
    // The job may never be requested, so its rejection must not count as unhandled.
    result.catch(() => {})
    started.set(index, result)
    return result
  }

  function startApart(index: number): void {
    const first = jobs.findIndex(({ isApart }) => isApart)
    if (index >= first) return
    const all = jobs.filter(({ isApart }) => isApart).length
    const wanted = Math.floor((all * (index + 1)) / first)
    for (let next = first; next < first + wanted; next++) start(next)
  }

  return (index: number): Promise<T> => {
    const inOrder = index === last + 1
    last = index
    const asked = start(index)
    if (inOrder) {
      for (let next = index + 1; next <= Math.min(index + ahead, jobs.length - 1); next++) start(next)
      startApart(index)
    }
    return asked
  }
}
