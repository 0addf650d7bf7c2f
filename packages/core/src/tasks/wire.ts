import type { MessageHeaders } from '../contract/headers.js'

/** Every asking scheduler hears it in an ephemeral subscription, and passes over what is for others. */
export const repliesTopic = 'task-replies'
/** Every scheduler with workers hears it. */
export const controlTopic = 'task-control'
export const workersGroup = 'workers'

export const taskTopic = (task: string): string => `task.${task}`

/** What travels with a task beside its input, as CloudEvents extensions. */
export interface Ask {
  /** The instance that waits for the reply. */
  readonly replyTo?: string
  /** When a task that has not begun is given up, in milliseconds since 1970. */
  readonly deadline?: number
  /** Of several messages with the same id, the one that is run: the one whose `copy` is claimed first. */
  readonly once?: { readonly copy: string; readonly ttlMs: number }
}

export function askExtensions({ replyTo, deadline, once }: Ask): MessageHeaders {
  return {
    ...(replyTo !== undefined && { taskreplyto: replyTo }),
    ...(deadline !== undefined && { taskdeadline: new Date(deadline).toISOString() }),
    ...(once !== undefined && { taskcopy: once.copy, taskoncems: String(once.ttlMs) }),
  }
}

/** How long a key stands for its task where nobody says so. */
export const defaultOnceMs = 24 * 60 * 60 * 1000

/** Other programs may write these too: what cannot be read counts as not written. */
export function askOf(extensions: MessageHeaders): Ask {
  const { taskreplyto, taskdeadline, taskcopy, taskoncems } = extensions
  const deadline = taskdeadline === undefined ? Number.NaN : Date.parse(taskdeadline)
  const ttlMs = Number(taskoncems)
  return {
    ...(taskreplyto && { replyTo: taskreplyto }),
    ...(!Number.isNaN(deadline) && { deadline }),
    ...(taskcopy && { once: { copy: taskcopy, ttlMs: ttlMs >= 1 ? ttlMs : defaultOnceMs } }),
  }
}

/** Names the asker, so that all others can pass over a reply before they decode it. */
export const replyExtensions = (replyTo: string): MessageHeaders => ({ taskreplyfor: replyTo })
export const isReplyFor = (extensions: MessageHeaders, instance: string): boolean =>
  extensions.taskreplyfor === instance
