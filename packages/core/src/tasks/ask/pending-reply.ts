import type { MqError } from '../../contract/errors.js'
import type { FinishedTask } from '../finished-task.js'
import type { ProgressStep, TaskProgress } from '../progress.js'

/** What one asker knows of its task. Handles of the same task share it. */
export function createPendingReply(id: string) {
  let resolve: (outcome: FinishedTask) => void
  let reject: (error: MqError) => void
  let isOver = false
  const outcome = new Promise<FinishedTask>((...settle) => {
    ;[resolve, reject] = settle
  })
  outcome.catch(() => {})

  let latest: ProgressStep | undefined
  let news = deferred()

  const tell = (): void => {
    const told = news
    news = deferred()
    told.resolve()
  }
  const end = (settle: () => void): void => {
    if (isOver) return
    isOver = true
    settle()
    tell()
  }

  return {
    id,
    outcome,
    end: (with_: FinishedTask): void => end(() => resolve(with_)),
    fail: (error: MqError): void => end(() => reject(error)),
    step(step: ProgressStep): void {
      if (isOver || (latest !== undefined && !isLater(step, latest))) return
      latest = step
      tell()
    },
    /** Each reader sees the latest step that it has not seen; one that is slow misses those between. */
    async *progress(): AsyncGenerator<TaskProgress, void, undefined> {
      let seen: ProgressStep | undefined
      for (;;) {
        const next = news.promise
        if (latest !== undefined && latest !== seen) {
          seen = latest
          const { number: _, ...step } = latest
          yield Object.freeze(step)
        } else if (isOver) return
        else await next
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
