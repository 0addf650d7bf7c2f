import { shown } from '../contract/checks/shown.js'
import { requireNumber } from '../contract/checks/values.js'
import type { Clock, ClockTimer } from '../contract/clock.js'

/** One report of how far a task is. */
export interface TaskProgress {
  /** From 0 to 1. It goes down when a retry begins anew. */
  readonly fraction: number
  readonly note?: string
  readonly attempt: number
}

/** A numbered report of one run, so that one that arrives late is not taken for the latest. */
export interface ProgressStep extends TaskProgress {
  readonly number: number
}

/** The time between two reports. Of those in between only the latest is sent. */
const everyMs = 100
const maxNoteLength = 1_000

/** Sends a step. It never rejects. */
export type SendStep = (step: ProgressStep) => Promise<void>

/** Sends the progress of one run to each place that wants it. If none does, reports are only checked. */
export function createProgress(options: {
  readonly attempt: number
  readonly clock: Clock
  readonly sends: readonly SendStep[]
}) {
  const { attempt, clock, sends } = options
  // A place that is slow does not hold up the others.
  const senders = sends.map((send) => createSender(send, clock))
  let latest: ProgressStep | undefined
  let isOver = false

  return {
    /** Throws a `TypeError` or `MQ_INVALID_OPTION` if `fraction` is not from 0 to 1. It never throws because a step cannot be sent. */
    report(fraction: unknown, note: unknown): void {
      // A sum of ten tenths may be a little more than one.
      const checked = Math.min(1, requireNumber(fraction, 'The fraction of progress', { min: 0, max: 1 + 1e-9 }))
      if (note !== undefined && typeof note !== 'string') {
        throw new TypeError(`The note of progress must be a string, not ${shown(note)}`)
      }
      if (isOver || senders.length === 0) return
      latest = {
        number: (latest?.number ?? 0) + 1,
        attempt,
        fraction: checked,
        ...(note !== undefined && { note: note.slice(0, maxNoteLength) }),
      }
      for (const sender of senders) sender.offer(latest)
    },
    /** Ends sending, and returns the latest step. It is sent with how the task has ended, because two messages may change their order. */
    close(): ProgressStep | undefined {
      isOver = true
      for (const sender of senders) sender.drop()
      return latest
    },
    /** Sends the latest step, then resolves to it. */
    async end(): Promise<ProgressStep | undefined> {
      isOver = true
      await Promise.all(senders.map((sender) => sender.end()))
      return latest
    },
  }
}

/** Sends steps one after the other, not too often. Of those that wait only the latest is sent. */
function createSender(send: SendStep, clock: Clock) {
  let waiting: ProgressStep | undefined
  let timer: ClockTimer | undefined
  let sending: Promise<void> | undefined
  let notBefore = Number.NEGATIVE_INFINITY
  let isOver = false

  const next = (): void => {
    if (waiting === undefined || sending !== undefined || timer !== undefined) return
    const waitMs = notBefore - clock.monotonic()
    if (waitMs > 0 && !isOver) {
      timer = clock.setTimeout(() => {
        timer = undefined
        next()
      }, waitMs)
      return
    }
    const step = waiting
    waiting = undefined
    notBefore = clock.monotonic() + everyMs
    sending = send(step).finally(() => {
      sending = undefined
      next()
    })
  }

  return {
    offer(step: ProgressStep): void {
      waiting = step
      next()
    },
    drop(): void {
      isOver = true
      waiting = undefined
    },
    /** Sends what waits. Resolves once nothing is being sent. */
    async end(): Promise<void> {
      isOver = true
      timer?.cancel()
      timer = undefined
      await sending
      next()
      await sending
    },
  }
}

export type Progress = ReturnType<typeof createProgress>

/** Returns undefined if the value is not a step as `createProgress` makes them: anybody can write one to the topic. */
export function stepOf(value: unknown): ProgressStep | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { number, attempt, fraction, note } = value as Record<string, unknown>
  if (!isCount(number) || !isCount(attempt)) return undefined
  if (typeof fraction !== 'number' || !(fraction >= 0 && fraction <= 1)) return undefined
  const step = { number, attempt, fraction }
  return typeof note === 'string' ? { ...step, note: note.slice(0, maxNoteLength) } : step
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 1
