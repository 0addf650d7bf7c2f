import { isMqError, MqError, type Queue, type Subscription, type TaskScheduler } from '@mq/core'
import type { createHandles } from '../call/handle.js'
import type { FoundHandler } from '../discover/handlers.js'
import type { HandlersOfQueue } from '../discover/handlers-of-queue.js'

interface Parts {
  readonly queue: Queue
  readonly scheduler: TaskScheduler
  readonly handlers: HandlersOfQueue
  readonly handles: ReturnType<typeof createHandles>
  readonly consume: boolean
}

/**
 * Creates what starts the handlers of a queue once every module is initialised. It stops them while the application can still publish and
 * answer requests, and before modules further down close what handlers use.
 */
export function createConsumers({ queue, scheduler, handlers, handles, consume }: Parts) {
  const subscriptions: Subscription[] = []

  async function start(handler: FoundHandler): Promise<void> {
    const { mark, title } = handler
    try {
      if (mark.kind === 'task') return await scheduler.register(handles.ofTask(handler, mark.task), mark.options)
      if (mark.kind === 'schedule') return await scheduler.schedule(mark.name, mark.rule, mark.task, mark.input)
      // One call for every kind of target: the decorator has checked that they fit.
      const subscribe = queue.subscribe as (...args: unknown[]) => Promise<Subscription>
      subscriptions.push(await subscribe(mark.target, handles.ofMessages(handler), mark.options))
    } catch (error) {
      throw named(title, error)
    }
  }

  return {
    async onApplicationBootstrap(): Promise<void> {
      if (!consume) return
      try {
        await Promise.all(handlers.list().map(start))
        await scheduler.start()
      } catch (error) {
        // The application does not start, and an open connection would keep its process alive.
        await queue.disconnect({ timeoutMs: 0 })
        throw error
      }
    },
    async onModuleDestroy(): Promise<void> {
      await Promise.all([...subscriptions.map((subscription) => subscription.stop()), scheduler.stopWork()])
    },
  }
}

/** Returns an error that says which method it is about. */
function named(title: string, error: unknown): unknown {
  if (isMqError(error)) return new MqError(error.code, `${title}: ${error.message}`, { cause: error })
  if (error instanceof TypeError) return new TypeError(`${title}: ${error.message}`, { cause: error })
  return error
}
