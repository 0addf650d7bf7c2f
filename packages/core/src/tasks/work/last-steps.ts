import type { ProgressStep } from '../progress.js'

/** The map is bounded, because another process retries most failed runs and nobody reads their steps here. */
const maxSteps = 1_000

/**
 * Creates the last steps of runs that failed, by the id of their task. A step is sent together with the failure if no other run follows.
 */
export function createLastSteps() {
  const steps = new Map<string, ProgressStep>()

  return {
    set(id: string, step: ProgressStep | undefined): void {
      if (step === undefined) return
      steps.set(id, step)
      const [oldest] = steps.keys()
      if (oldest !== undefined && steps.size > maxSteps) steps.delete(oldest)
    },
    /** Removes the step of a task, and returns it. */
    take(id: string): ProgressStep | undefined {
      const step = steps.get(id)
      steps.delete(id)
      return step
    },
  }
}
