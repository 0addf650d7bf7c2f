import { requireNumber, shown } from '../contract/checks.js'
import type { Clock, ClockTimer } from '../contract/clock.js'

/** How far a task is. */
export interface TaskProgress {
  /** From 0 to 1. It may go down: a retry begins anew. */
  readonly fraction: number
  readonly note?: string
  readonly attempt: number
}

/** Steps of one run, numbered, so that one that comes late is not taken for the latest. */
export interface ProgressStep extends TaskProgress {
  readonly number: number
}

/** No more than ten a second leave: the latest one wins. */
const everyMs = 100
const maxNoteLength = 1_000

/** Sends the steps of one run. `send` never rejects; without it, steps are only checked. */
export function createProgress(options: {
  readonly attempt: number
  readonly clock: Clock
  readonly send: ((step: ProgressStep) => Promise<void>) | undefined
}) {
  const { attempt, clock, send } = options
  let latest: ProgressStep | undefined
  let waiting: ProgressStep | undefined
  let timer: ClockTimer | undefined
  let sending: Promise<void> | undefined
  let notBefore = Number.NEGATIVE_INFINITY
  let isOver = false

  const next = (): void => {
    if (waiting === undefined || sending !== undefined || timer !== undefined || send === undefined) return
    const waitMs = notBefore - clock.now()
    if (waitMs > 0 && !isOver) {
      timer = clock.setTimeout(() => {
        timer = undefined
        next()
      }, waitMs)
      return
    }
    const step = waiting
    waiting = undefined
    notBefore = clock.now() + everyMs
    sending = send(step).finally(() => {
      sending = undefined
      next()
    })
  }

  return {
    /** Throws a `TypeError` or `MQ_INVALID_OPTION` for what is no fraction; whether it can be sent is not the task's trouble. */
    report(fraction: unknown, note: unknown): void {
      // A sum of tenths is a little more than one.
      const checked = Math.min(1, requireNumber(fraction, 'The fraction of progress', { min: 0, max: 1 + 1e-9 }))
      if (note !== undefined && typeof note !== 'string') {
        throw new TypeError(`The note of progress must be a string, not ${shown(note)}`)
      }
      if (isOver || send === undefined) return
      latest = {
        number: (latest?.number ?? 0) + 1,
        attempt,
        fraction: checked,
        ...(note !== undefined && { note: note.slice(0, maxNoteLength) }),
      }
      waiting = latest
      next()
    },
    /** No step leaves any more. Gives the latest, to be told with the outcome: two messages may come in another order. */
    close(): ProgressStep | undefined {
      isOver = true
      waiting = undefined
      return latest
    },
    /** Resolves once the last step has left, which it gives. */
    async end(): Promise<ProgressStep | undefined> {
      isOver = true
      timer?.cancel()
      timer = undefined
      await sending
      next()
      await sending
      return latest
    },
  }
}

export type Progress = ReturnType<typeof createProgress>

/** Undefined for what is no step. */
export function stepOf(value: unknown): ProgressStep | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { number, attempt, fraction, note } = value as Record<string, unknown>
  if (!Number.isFinite(number) || !Number.isFinite(attempt) || !Number.isFinite(fraction)) return undefined
  const step = { number: Number(number), attempt: Number(attempt), fraction: Number(fraction) }
  return typeof note === 'string' ? { ...step, note } : step
}
