import { describe, expectTypeOf, it } from 'vitest'
import { type Adapter, openQueue, type Queue } from '../src/index.js'

declare function redis(options?: { readonly url?: string; readonly database?: number }): Adapter
declare function memory(options?: { readonly url?: string; readonly retain?: number }): Adapter & { settled(): void }
declare const address: string

describe('openQueue', () => {
  it('takes any options of an adapter that it has to load', () => {
    expectTypeOf(openQueue({ type: 'redis', anything: true })).resolves.toEqualTypeOf<Queue>()
    expectTypeOf(openQueue(address, { group: 'g' })).resolves.toEqualTypeOf<Queue>()
  })

  it('knows the options of adapters that it is given', () => {
    expectTypeOf(openQueue(address, { adapters: [redis, memory], group: 'g' })).resolves.toEqualTypeOf<Queue>()
    expectTypeOf(openQueue({ type: 'redis', database: 3 }, { adapters: [redis] })).resolves.toEqualTypeOf<Queue>()
    expectTypeOf(
      openQueue({ type: 'memory', retain: 3 }, { adapters: [redis, memory] }),
    ).resolves.toEqualTypeOf<Queue>()
    expectTypeOf(openQueue(memory(), { adapters: [redis] })).resolves.toEqualTypeOf<Queue>()
    // @ts-expect-error: the name of the option is misspelt
    openQueue({ type: 'redis', databse: 3 }, { adapters: [redis] })
    // @ts-expect-error: a number
    openQueue({ type: 'redis', database: 'three' }, { adapters: [redis] })
    // @ts-expect-error: no factory
    openQueue(address, { adapters: [memory()] })
  })
})
