import type { Queue, TaskScheduler } from '@mq/core'
import { memory } from '@mq/memory'
import { type TestBench, testBench } from '@mq/memory/testing'
import { getQueueToken, getSchedulerToken, MqModule, type MqModuleOptions, type NamedQueue } from '@mq/nestjs'
import type { DynamicModule, INestApplicationContext, ModuleMetadata } from '@nestjs/common'
import { Test } from '@nestjs/testing'
import { onTestFinished } from 'vitest'

/** The log of a queue that nobody reads. */
export const quiet = { debug() {}, info() {}, warn() {}, error() {} }

/** A module with a queue of its own on the embedded adapter, whose sources are used. */
export const onMemory = (options: Partial<MqModuleOptions> & NamedQueue = {}): DynamicModule =>
  MqModule.forRoot({ address: 'memory:', adapters: [memory], log: quiet, ...options })

interface Options {
  readonly mq?: Partial<MqModuleOptions>
  /** Default: `onMemory` with the options. */
  readonly modules?: readonly DynamicModule[]
  readonly imports?: ModuleMetadata['imports']
  /** Changes the application before it is initialised. */
  readonly before?: (app: INestApplicationContext) => void
}

export interface Application {
  readonly app: INestApplicationContext
  readonly bench: TestBench
  readonly queue: Queue
  readonly scheduler: TaskScheduler
}

/** Starts an application on the queue and the clock of a test bench. It is closed with the test. */
export async function started(providers: readonly object[], options: Options = {}): Promise<Application> {
  const bench = await testBench({ queue: { log: quiet } })
  const app = await compiled(providers, {
    ...options,
    modules: options.modules ?? [onMemory({ group: 'test', ...options.mq })],
    bench,
  })
  onTestFinished(async () => {
    await app.close()
    await bench.close()
  })
  await app.init()
  return { app, bench, queue: bench.queue, scheduler: bench.scheduler }
}

/** Creates an application that is not initialised, on its own queue or on that of a bench. */
export async function compiled(
  providers: readonly object[],
  { modules = [], imports = [], before, bench }: Options & { readonly bench?: TestBench },
) {
  const builder = Test.createTestingModule({ imports: [...modules, ...imports], providers: [...providers] as never })
  if (bench !== undefined) {
    builder.overrideProvider(getQueueToken()).useValue(bench.queue)
    builder.overrideProvider(getSchedulerToken()).useValue(bench.scheduler)
  }
  builder.setLogger(false as never)
  const module = await builder.compile()
  const app = module.createNestApplication()
  app.useLogger(false)
  before?.(app)
  return app
}

/** Resolves to what a promise rejects with. */
export const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )
