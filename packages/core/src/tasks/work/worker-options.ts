import { defaultConcurrency } from '../../consume/subscribe.js'
import { requireOptions } from '../../contract/checks.js'
import { MqError } from '../../contract/errors.js'
import type { Queue } from '../../contract/queue.js'
import type { Task } from '../task.js'
import type { WorkerOptions } from '../task-scheduler.js'
import { createStartLimit, requireRate } from './start-limit.js'

/** What of the options is the subscription's, and what the worker's own. Throws what `register` throws for them. */
export function requireWorkerOptions(task: Pick<Task, 'name' | 'timeoutMs'>, options: WorkerOptions, queue: Queue) {
  requireOptions(options, 'The options of register')
  const { rate, ...subscribe } = options
  const { maxHandlerMs } = queue.capabilities
  if (task.timeoutMs !== undefined && task.timeoutMs > maxHandlerMs) {
    const limit = `${queue.type} takes a message away from a handler after ${maxHandlerMs} ms`
    throw new MqError(
      'MQ_NOT_SUPPORTED',
      `${limit}; the timeoutMs of '${task.name}', ${task.timeoutMs}, cannot be kept`,
    )
  }
  if (rate === undefined) return { subscribe, limit: undefined }
  requireRate(rate)
  // Whoever waits for a turn holds a message.
  const longestMs = ((options.concurrency ?? defaultConcurrency) / rate.starts) * rate.perMs + (task.timeoutMs ?? 0)
  if (longestMs > maxHandlerMs) {
    const limit = `${queue.type} takes a message away after ${maxHandlerMs} ms`
    throw new MqError(
      'MQ_NOT_SUPPORTED',
      `${limit}, and '${task.name}' may wait ${longestMs} ms for its turn; lower concurrency`,
    )
  }
  return { subscribe, limit: createStartLimit(rate, queue.clock) }
}
