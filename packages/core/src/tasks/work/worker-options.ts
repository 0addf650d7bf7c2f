import { refuseUnknown, requireOptions } from '../../contract/checks/options.js'
import { MqError } from '../../contract/errors.js'
import { defaultConcurrency } from '../../contract/handler.js'
import type { Queue } from '../../contract/queue.js'
import type { Task } from '../task.js'
import { type WorkerOptions, workerOptionNames } from '../task-options.js'
import { createStartLimit, requireRate } from './start-limit.js'

/** Splits the options into those of the subscription and those of the worker. Throws as `register` does if they make no sense. */
export function requireWorkerOptions(task: Pick<Task, 'name' | 'timeoutMs'>, options: WorkerOptions, queue: Queue) {
  requireOptions(options, 'The options of register')
  refuseUnknown(options, workerOptionNames, 'register')
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
  // A run that waits for its turn holds a message.
  const maxHeldMs = ((options.concurrency ?? defaultConcurrency) / rate.starts) * rate.perMs + (task.timeoutMs ?? 0)
  if (maxHeldMs > maxHandlerMs) {
    const limit = `${queue.type} takes a message away after ${maxHandlerMs} ms`
    throw new MqError(
      'MQ_NOT_SUPPORTED',
      `${limit}, and '${task.name}' may wait ${maxHeldMs} ms for its turn; lower concurrency`,
    )
  }
  return { subscribe, limit: createStartLimit(rate, queue.clock) }
}
