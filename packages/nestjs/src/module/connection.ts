import { createQueue, loadAdapter, type Queue, type TaskScheduler, type TaskStore } from '@mq/core'
import { nestLog } from './nest-log.js'
import type { MqModuleOptions } from './options.js'

/** Creates a queue that is not connected. Rejects like `openQueue`. */
export async function queueOf(options: MqModuleOptions): Promise<Queue> {
  const { address, adapters, scheduler: _, consume: __, inheritAppConfig: ___, ...queueOptions } = options
  const isAdapter = typeof address === 'object' && address !== null && 'connect' in address
  const adapter = isAdapter ? (address as Parameters<typeof createQueue>[0]) : await loadAdapter(address, { adapters })
  return createQueue(adapter, { log: nestLog(), ...queueOptions })
}

interface Parts {
  readonly queue: Queue
  readonly scheduler: TaskScheduler
  readonly store: TaskStore | undefined
  /** Throws if a decorated method cannot work. */
  readonly check: () => void
}

/** Creates what connects a queue before other modules are initialised, and disconnects it when no request is open any more. */
export const createConnection = ({ queue, scheduler, store, check }: Parts) => ({
  async onModuleInit(): Promise<void> {
    check()
    await queue.connect()
  },
  async onApplicationShutdown(): Promise<void> {
    await scheduler.stop()
    await queue.disconnect()
    if (isOpenStore(store)) await store.disconnect()
  },
})

const isOpenStore = (store: TaskStore | undefined): store is TaskStore & { disconnect(): Promise<void> } =>
  store !== undefined && 'disconnect' in store && typeof store.disconnect === 'function'
