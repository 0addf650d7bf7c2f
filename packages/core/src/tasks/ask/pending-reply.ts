import type { MqError } from '../../contract/errors.js'
import type { FinishedTask } from '../finished-task.js'
import type { ProgressStep, TaskProgress } from '../progress.js'

/** Creates the state of one task that this process waits for. Handles of the same task share it. */
export function createPendingReply({ id, what }: { readonly id: string; readonly what: () => string }) {
  let resolve: (finished: FinishedTask) => void
  let reject: (error: MqError) => void
  let isOver = false
  const finished = new Promise<FinishedTask>((...settle) => {
    ;[resolve, reject] = settle
  })
  finished.catch(() => {})

  let latest: ProgressStep | undefined
  let nextChange = deferred()

  const wakeReaders = (): void => {
    const change = nextChange
    nextChange = deferred()
    change.resolve()
  }
  const end = (settle: () => void): void => {
    if (isOver) return
    isOver = true
    settle()
    wakeReaders()
  }

  return {
    id,
    /** Names the task in an error. */
    what,
    finished,
    complete: (how: FinishedTask): void => end(() => resolve(how)),
    fail: (error: MqError): void => end(() => reject(error)),
    step(step: ProgressStep): void {
      if (isOver || (latest !== undefined && !isLater(step, latest))) return
      latest = step
      wakeReaders()
    },
    /** Yields the latest step that this reader has not seen. A slow reader misses those in between. */
    async *progress(): AsyncGenerator<TaskProgress, void, undefined> {
      let seen: ProgressStep | undefined
      for (;;) {
        const changed = nextChange.promise
        if (latest !== undefined && latest !== seen) {
          seen = latest
          const { number: _, ...step } = latest
          yield Object.freeze(step)
        } else if (isOver) return
        else await changed
      }
    },
  }
}

export type PendingReply = ReturnType<typeof createPendingReply>

const isLater = (one: ProgressStep, other: ProgressStep): boolean =>
  one.attempt > other.attempt || (one.attempt === other.attempt && one.number > other.number)

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
