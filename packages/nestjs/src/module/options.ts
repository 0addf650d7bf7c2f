import type { AdapterFactory, QueueAddress, QueueOptions, SchedulerOptions } from '@mq/core'
import type { FactoryProvider, ModuleMetadata } from '@nestjs/common'

/** The options of a queue, and what Nest needs beside them. */
export interface MqModuleOptions extends QueueOptions {
  /**
   * The URL of the broker, `{ type, ... }`, or an adapter. An adapter belongs to one queue: if the application is created more than once,
   * as in tests, create the adapter in `forRootAsync`.
   */
  readonly address: QueueAddress
  /** The factories of imported adapters, which a bundle needs. Default: the adapter's package is looked for and loaded. */
  readonly adapters?: readonly AdapterFactory[] | undefined
  /** The options of the scheduler. A store that has `disconnect` is disconnected with the queue. Default: no store. */
  readonly scheduler?: SchedulerOptions | undefined
  /** Whether methods with `@OnMessage` and `@OnTask` run here. `false` is for a process that only publishes. Default: true. */
  readonly consume?: boolean | undefined
  /**
   * Whether guards, interceptors, pipes and filters of the whole application count for handlers too. Most are written for HTTP, so those
   * of the class and of the method count alone, as in a hybrid application. Default: false.
   */
  readonly inheritAppConfig?: boolean | undefined
}

/** Distinguishes several queues of an application. */
export interface NamedQueue {
  /** `@InjectQueue(name)`, `@InjectScheduler(name)` and the option `queue` of the decorators refer to it. Default: none. */
  readonly name?: string | undefined
}

export interface MqModuleAsyncOptions extends NamedQueue {
  /** The modules of what is injected into the factory. Default: none. */
  readonly imports?: ModuleMetadata['imports']
  /** The tokens of the factory's arguments. Default: none. */
  readonly inject?: FactoryProvider['inject']
  readonly useFactory: (...args: never[]) => MqModuleOptions | Promise<MqModuleOptions>
}
