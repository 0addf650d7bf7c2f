import type { Adapter } from '../contract/adapter.js'
import { shown } from '../contract/checks/shown.js'
import type { AdapterConfig, KnownType } from './queue-address.js'

/** A factory of adapters, such as `redis` of `@mq/redis`. */
export type AdapterFactory = (options: never) => Adapter | Promise<Adapter>

/** The options of a factory, with the type of the queue. */
export type ConfigOf<Factory extends AdapterFactory> = Factory extends (options: infer Options) => unknown
  ? Pick<AdapterConfig, 'type'> & NonNullable<Options>
  : never

type AnyFactory = (options: Readonly<Record<string, unknown>>) => unknown

/** A URL by which a factory of this type makes an adapter, to find out which type it is. Nothing connects to it. */
const sampleUrls: Readonly<Record<KnownType, string>> = {
  rabbitmq: 'amqp://localhost',
  redis: 'redis://localhost',
  kafka: 'kafka://localhost',
  postgres: 'postgres://localhost',
  memory: 'memory:',
}

const isKnown = (type: string): type is KnownType => Object.hasOwn(sampleUrls, type)

/** Throws a `TypeError` unless the value is a list of functions. */
export function requireFactories(adapters: unknown): asserts adapters is readonly AdapterFactory[] {
  if (Array.isArray(adapters) && adapters.every((factory) => typeof factory === 'function')) return
  throw new TypeError(`adapters must be a list of factories, [redis] for example, not ${shown(adapters)}`)
}

/** Returns the factory of a type, or undefined if none of them makes an adapter of this type. */
export async function factoryOfType(
  adapters: readonly AdapterFactory[],
  type: string,
): Promise<AnyFactory | undefined> {
  const sample = isKnown(type) ? { url: sampleUrls[type] } : {}
  for (const factory of adapters as readonly AnyFactory[]) {
    const name = await nameOf(factory, sample)
    // A scoped package is the type of adapters of others, as in `@acme/mq-nats` for an adapter that is called `nats`.
    if (name === type || (name !== undefined && /^@/.test(type) && type.split(/[/-]/).at(-1) === name)) return factory
  }
  // There is no sample URL for such an adapter, but if it is the only one, nothing else can be meant.
  return isKnown(type) || adapters.length !== 1 ? undefined : (adapters[0] as AnyFactory)
}

async function nameOf(factory: AnyFactory, sample: Readonly<Record<string, unknown>>): Promise<string | undefined> {
  try {
    return ((await factory(sample)) as Partial<Adapter> | undefined)?.name
  } catch {
    return undefined
  }
}

/** Makes an adapter for a URL whose scheme core does not know. Returns undefined if no factory takes it. */
export async function adapterForUrl(adapters: readonly AdapterFactory[], address: unknown): Promise<unknown> {
  if (typeof address !== 'string') return undefined
  for (const factory of adapters as readonly AnyFactory[]) {
    try {
      return await factory({ url: address })
    } catch (error) {
      // With a single factory, its own error says more.
      if (adapters.length === 1) throw error
    }
  }
  return undefined
}
