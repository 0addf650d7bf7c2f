import { createScheduler, type Queue, type TaskScheduler } from '@mq/core'
import type { Provider } from '@nestjs/common'
import { DiscoveryService, ExternalContextCreator, MetadataScanner, ModuleRef } from '@nestjs/core'
import { createHandles } from '../call/handle.js'
import { createHandlersOfQueue, type HandlersOfQueue } from '../discover/handlers-of-queue.js'
import {
  connectionToken,
  consumersToken,
  getQueueToken,
  getSchedulerToken,
  handlersToken,
  optionsToken,
} from '../tokens.js'
import { createConnection, queueOf } from './connection.js'
import { createConsumers } from './consumers.js'
import { MqHealthIndicator } from './health-indicator.js'
import type { MqModuleOptions } from './options.js'

/** Returns the providers of a queue beside its options: the queue, its scheduler, and what connects them. */
export const queueProviders = (name: string | undefined): Provider[] => [
  { provide: getQueueToken(name), inject: [optionsToken(name)], useFactory: queueOf },
  {
    provide: getSchedulerToken(name),
    inject: [getQueueToken(name), optionsToken(name)],
    useFactory: (queue: Queue, { scheduler }: MqModuleOptions) => createScheduler(queue, scheduler),
  },
  {
    provide: handlersToken(name),
    inject: [DiscoveryService, MetadataScanner, optionsToken(name)],
    useFactory: (discovery: DiscoveryService, scanner: MetadataScanner, { group }: MqModuleOptions) =>
      createHandlersOfQueue({ discovery, scanner, name, group }),
  },
  {
    provide: connectionToken(name),
    inject: [getQueueToken(name), getSchedulerToken(name), handlersToken(name), optionsToken(name)],
    useFactory: (queue: Queue, scheduler: TaskScheduler, { check }: HandlersOfQueue, options: MqModuleOptions) =>
      createConnection({ queue, scheduler, check, store: options.scheduler?.store }),
  },
  { provide: MqHealthIndicator, inject: [ModuleRef], useFactory: (ref: ModuleRef) => new MqHealthIndicator(ref) },
]

/** Returns the tokens of `queueProviders` that other modules inject. */
export const queueExports = (name: string | undefined) => [
  getQueueToken(name),
  getSchedulerToken(name),
  handlersToken(name),
  optionsToken(name),
  MqHealthIndicator,
]

/** Returns the provider that starts and stops the handlers of a queue. */
export const consumersProvider = (name: string | undefined): Provider => ({
  provide: consumersToken(name),
  inject: [
    getQueueToken(name),
    getSchedulerToken(name),
    handlersToken(name),
    optionsToken(name),
    ModuleRef,
    ExternalContextCreator,
  ],
  useFactory(
    queue: Queue,
    scheduler: TaskScheduler,
    handlers: HandlersOfQueue,
    { consume = true, inheritAppConfig = false }: MqModuleOptions,
    moduleRef: ModuleRef,
    creator: ExternalContextCreator,
  ) {
    const handles = createHandles({ moduleRef, creator, inheritAppConfig })
    return createConsumers({ queue, scheduler, handlers, handles, consume })
  },
})
