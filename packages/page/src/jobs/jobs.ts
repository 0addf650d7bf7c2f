import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Place } from '../broker/entries.js'
import { type Problem, problemOf } from '../broker/reads.js'

/** A long operation that goes on while nobody looks. It ends with this process, and nothing is lost by that. */
export interface Job extends Place {
  readonly id: string
  readonly what: 'replay' | 'purge'
  /** The person who began it. */
  readonly by: string | undefined
  readonly beganAt: number
  /** The number of messages it is about. Undefined if that is not known. */
  readonly total: number | undefined
  readonly done: number
  readonly state: 'running' | 'done' | 'stopped' | 'failed'
  /** False if it was broken off, or did not see every message. */
  readonly isComplete: boolean
  readonly problem: Problem | undefined
}

export interface JobResult {
  readonly done: number
  readonly isComplete: boolean
}

export interface JobWork extends Place, Pick<Job, 'what' | 'by' | 'total'> {
  readonly run: (options: {
    readonly signal: AbortSignal
    readonly onDone: (done: number) => void
  }) => Promise<JobResult>
}

interface Held {
  job: Job
  readonly controller: AbortController
  readonly ended: Promise<void>
}

const maxRunning = 4
const maxKept = 50

/** Creates the long operations of a page. */
export function createJobs(now: () => number) {
  const jobs = new Map<string, Held>()
  const running = (): number => [...jobs.values()].filter(({ job }) => job.state === 'running').length

  function forgetOld(): void {
    for (const [id, { job }] of jobs) {
      if (jobs.size < maxKept) return
      if (job.state !== 'running') jobs.delete(id)
    }
  }

  return {
    /** Begins an operation. Returns undefined if as many are running as may. */
    begin({ run, ...about }: JobWork): Job | undefined {
      if (running() >= maxRunning) return undefined
      forgetOld()
      const controller = new AbortController()
      const id = randomUUID()
      const job: Job = {
        ...about,
        id,
        beganAt: now(),
        done: 0,
        state: 'running',
        isComplete: false,
        problem: undefined,
      }
      const update = (change: Partial<Job>): void => {
        const held = jobs.get(id)
        if (held !== undefined) held.job = { ...held.job, ...change }
      }
      const work = async (): Promise<void> => {
        try {
          const { done, isComplete } = await run({
            signal: controller.signal,
            onDone: (count) => update({ done: count }),
          })
          update({ done, isComplete, state: controller.signal.aborted ? 'stopped' : 'done' })
        } catch (error) {
          update({ state: 'failed', problem: problemOf(error) })
        }
      }
      // The entry is there before the work can report anything.
      const ended = Promise.resolve().then(work)
      jobs.set(id, { job, controller, ended })
      return job
    },
    find: (id: string): Job | undefined => jobs.get(id)?.job,
    of: ({ topic, group }: Place): readonly Job[] =>
      [...jobs.values()].map(({ job }) => job).filter((job) => job.topic === topic && job.group === group),
    /** Breaks an operation off after its current part. Returns false if there is none that runs. */
    stop(id: string): boolean {
      const held = jobs.get(id)
      if (held?.job.state !== 'running') return false
      held.controller.abort()
      return true
    },
    /** Resolves when the operation has ended, or after that time. */
    async settle(id: string, withinMs: number): Promise<Job | undefined> {
      const ended = jobs.get(id)?.ended ?? Promise.resolve()
      const timer = new AbortController()
      await Promise.race([ended, setTimeout(withinMs, undefined, { signal: timer.signal }).catch(() => {})])
      timer.abort()
      return jobs.get(id)?.job
    },
    close(): void {
      for (const { controller } of jobs.values()) controller.abort()
    },
  }
}

export type Jobs = ReturnType<typeof createJobs>
