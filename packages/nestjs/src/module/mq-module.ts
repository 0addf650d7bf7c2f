import { type DynamicModule, type FactoryProvider, Module, type ModuleMetadata, type Provider } from '@nestjs/common'
import { DiscoveryModule } from '@nestjs/core'
import { optionsToken } from '../tokens.js'
import type { MqModuleAsyncOptions, MqModuleOptions, NamedQueue } from './options.js'
import { consumersProvider, queueExports, queueProviders } from './providers.js'

/** Its hooks run before those of all other modules at the start, and after them at the end, because it is global. */
@Module({})
class MqQueueModule {}

/**
 * Gives an application a queue and a scheduler, and runs its methods with `@OnMessage` and `@OnTask`. Import it into the root module, once
 * for each queue. The queue is connected from `onModuleInit` on.
 */
@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: Nest imports a module by its class.
export class MqModule {
  /** Takes the options as they are. */
  static forRoot({ name, ...options }: MqModuleOptions & NamedQueue): DynamicModule {
    return moduleOf({ name, options: { provide: optionsToken(name), useValue: options }, imports: [] })
  }

  /** Takes the options from a factory, into which other providers are injected. */
  static forRootAsync({ name, imports = [], inject = [], useFactory }: MqModuleAsyncOptions): DynamicModule {
    const factory = useFactory as FactoryProvider<MqModuleOptions>['useFactory']
    return moduleOf({ name, options: { provide: optionsToken(name), inject, useFactory: factory }, imports })
  }
}

interface Shape {
  readonly name: string | undefined
  readonly options: Provider<MqModuleOptions>
  readonly imports: NonNullable<ModuleMetadata['imports']>
}

const moduleOf = ({ name, options, imports }: Shape): DynamicModule => ({
  module: MqModule,
  imports: [
    {
      module: MqQueueModule,
      global: true,
      imports: [DiscoveryModule, ...imports],
      providers: [options, ...queueProviders(name)],
      exports: queueExports(name),
    },
  ],
  providers: [consumersProvider(name)],
})
