import { maxDurationMs } from '../contract/checks/values.js'
import type { MessageHeaders } from '../contract/headers.js'

export { controlTopic, repliesTopic, taskTopic, workersGroup } from '../contract/names.js'

/** The parts of an enqueued task beside its input. They travel as CloudEvents extensions. See docs/decisions/0050-task-replies.md. */
export interface Ask {
  /** The instance that waits for the reply. */
  readonly replyTo?: string
  /** The time until which the task has to begin, in milliseconds since 1970. */
  readonly deadline?: number
  /** Names the message among those with the same id. The one whose `copy` is claimed first is run. */
  readonly once?: { readonly copy: string; readonly ttlMs: number }
}

export function askExtensions({ replyTo, deadline, once }: Ask): MessageHeaders {
  return {
    ...(replyTo !== undefined && { taskreplyto: replyTo }),
    ...(deadline !== undefined && { taskdeadline: new Date(deadline).toISOString() }),
    ...(once !== undefined && { taskcopy: once.copy, taskoncems: String(once.ttlMs) }),
  }
}

/** The default of `idempotencyTtlMs`. */
export const defaultOnceMs = 24 * 60 * 60 * 1000

/** Reads the parts again. Other programs may write them too; a part that cannot be read counts as absent. */
export function askOf(extensions: MessageHeaders): Ask {
  const { taskreplyto, taskdeadline, taskcopy, taskoncems } = extensions
  const deadline = taskdeadline === undefined ? Number.NaN : Date.parse(taskdeadline)
  const ttlMs = Number(taskoncems)
  return {
    ...(taskreplyto && { replyTo: taskreplyto }),
    ...(!Number.isNaN(deadline) && { deadline }),
    ...(taskcopy && { once: { copy: taskcopy, ttlMs: isDuration(ttlMs) ? Math.ceil(ttlMs) : defaultOnceMs } }),
  }
}

const isDuration = (ms: number): boolean => ms >= 1 && ms <= maxDurationMs

/** Names the instance that waits for the reply, so that all others can ignore it before they decode it. */
export const replyExtensions = (replyTo: string): MessageHeaders => ({ taskreplyfor: replyTo })
export const isReplyFor = (extensions: MessageHeaders, instance: string): boolean =>
  extensions.taskreplyfor === instance
