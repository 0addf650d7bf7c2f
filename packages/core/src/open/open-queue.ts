import type { Adapter } from '../contract/adapter.js'
import { requireOptions } from '../contract/checks/options.js'
import { shown } from '../contract/checks/shown.js'
import { isMqError, MqError } from '../contract/errors.js'
import type { Queue, QueueOptions } from '../contract/queue.js'
import { createQueue } from '../queue/create-queue.js'
import { requireAdapter } from '../queue/require-adapter.js'
import { releaseAdapter } from '../queue/taken-adapters.js'
import { type AdapterFactory, adapterForUrl, type ConfigOf, factoryOfType, requireFactories } from './given-adapters.js'
import {
  type AdapterConfig,
  type AdapterRequest,
  adapterRequest,
  knownTypes,
  type QueueAddress,
} from './queue-address.js'
import { applicationFolders, resolvePackage } from './resolve-package.js'

export interface OpenOptions<Factory extends AdapterFactory = AdapterFactory> extends QueueOptions {
  /**
   * The factories of the adapters that the application has imported, `[redis]` for example. A bundle needs them, because no package is
   * installed beside it. Default: the adapter's package is looked for and loaded.
   */
  readonly adapters?: readonly Factory[]
}

/** The addresses that `openQueue` takes: with `adapters`, the options beside `type` are those of these adapters. */
export type AddressFor<Factory extends AdapterFactory> = [Factory] extends [never]
  ? QueueAddress
  : string | Adapter | ConfigOf<Factory>

/**
 * Opens a queue and connects it. The adapter is made by one of `options.adapters`. If none of them fits, its package is loaded: from the
 * folder of the application's main file, its working directory, or beside this package.
 *
 * Rejects with `MQ_UNSUPPORTED_TYPE`, `MQ_INVALID_URL`, `MQ_ADAPTER_INVALID` or `MQ_ADAPTER_NOT_INSTALLED`, which says what to install.
 * Rejects as well with the errors of `createQueue` and `Queue.connect`.
 */
export async function openQueue<Factory extends AdapterFactory = never>(
  address: AddressFor<Factory>,
  options: OpenOptions<Factory> = {},
): Promise<Queue> {
  requireOptions(options, 'The options of openQueue')
  const { adapters, ...queueOptions } = options
  const given: unknown = address
  const adapter = isAdapter(given) ? given : await loadAdapter(given as string | AdapterConfig, { adapters })
  const queue = createQueue(adapter, queueOptions)
  try {
    await queue.connect()
  } catch (error) {
    // The caller may try again with the same adapter value.
    releaseAdapter(adapter)
    throw error
  }
  return queue
}

const isAdapter = (address: unknown): address is Adapter =>
  typeof address === 'object' && address !== null && typeof (address as Partial<Adapter>).connect === 'function'

/**
 * Makes the adapter for a URL or `{ type, ... }` with one of `adapters`, or loads it from its package. It is not connected. Rejects as
 * `openQueue` does.
 */
export async function loadAdapter(
  address: string | AdapterConfig,
  { adapters = [] }: { readonly adapters?: readonly AdapterFactory[] | undefined } = {},
): Promise<Adapter> {
  if (typeof address !== 'string' && (typeof address !== 'object' || address === null)) {
    throw new TypeError(`A queue is opened by a URL, { type, ... } or an adapter, not ${shown(address)}`)
  }
  requireFactories(adapters)
  const request = requestOf(address)
  if (isMqError(request)) {
    // Core does not know the scheme, but an adapter that was given may.
    const adapter = await adapterForUrl(adapters, address)
    if (adapter === undefined) throw request
    return requireMade(adapter, 'The adapter that was given')
  }
  const factory = (await factoryOfType(adapters, request.type)) ?? (await installedFactory(request))
  return requireMade(await factory(request.options), request.packageName)
}

/** Returns the error for a type or a scheme that core does not know. */
function requestOf(address: string | AdapterConfig): AdapterRequest | MqError {
  try {
    return adapterRequest(address)
  } catch (error) {
    if (isMqError(error, 'MQ_UNSUPPORTED_TYPE')) return error
    throw error
  }
}

function requireMade(adapter: unknown, packageName: string): Adapter {
  try {
    requireAdapter(adapter)
  } catch (cause) {
    throw new MqError('MQ_ADAPTER_INVALID', `${packageName}: ${(cause as Error).message}`, { cause })
  }
  return adapter
}

const installedFactory = async (request: AdapterRequest): Promise<Factory> =>
  factoryOf(await importAdapter(request), request)

async function importAdapter(request: AdapterRequest): Promise<Record<string, unknown>> {
  const url = await resolvePackage(request.packageName, applicationFolders())
  if (url === undefined) throw await notInstalled(request)
  try {
    return (await import(url)) as Record<string, unknown>
  } catch (cause) {
    throw new MqError('MQ_ADAPTER_INVALID', `${request.packageName} cannot be loaded: ${(cause as Error).message}`, {
      cause,
    })
  }
}

type Factory = (options: Readonly<Record<string, unknown>>) => unknown

function factoryOf(module: Record<string, unknown>, { packageName }: AdapterRequest): Factory {
  if (typeof module.default !== 'function') {
    throw new MqError('MQ_ADAPTER_INVALID', `${packageName} exports no adapter factory by default`)
  }
  return module.default as Factory
}

async function notInstalled({ type, packageName }: AdapterRequest): Promise<MqError> {
  const installed: string[] = []
  for (const [known, name] of Object.entries(knownTypes)) {
    if ((await resolvePackage(name, applicationFolders())) !== undefined) installed.push(known)
  }
  const there = installed.length === 0 ? 'none' : installed.join(', ')
  const text = `The queue type ${type} needs the package ${packageName}: npm install ${packageName}. Installed adapters: ${there}. In a bundle, import the adapter and pass it: openQueue(url, { adapters: [${type.split('/').at(-1)}] })`
  return new MqError('MQ_ADAPTER_NOT_INSTALLED', text)
}
