import type { TaskScheduler } from '@mq/core'
import { sendWelcome } from './tasks.js'

/** A call of a task in version 2 of Celery's protocol. The body is `[args, kwargs, embed]`. */
export interface CeleryTask {
  readonly task: string
  readonly id: string
  /** A time, if it was called with `countdown` or `eta`. */
  readonly eta?: string | null | undefined
  readonly body: unknown
}

/** Enqueues a call of the old task here. Returns false for a task that nobody has written anew. */
export async function enqueueHere(scheduler: TaskScheduler, { task, id, eta, body }: CeleryTask): Promise<boolean> {
  if (task !== 'shop.send_email') return false
  const [args, kwargs] = body as [readonly [to: string], { readonly text?: string }]
  const input = { to: args[0], text: kwargs.text ?? '' }
  await scheduler.enqueue(sendWelcome, input, { id, ...(eta && { at: new Date(eta) }) })
  return true
}
