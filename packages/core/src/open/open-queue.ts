import type { Adapter } from '../contract/adapter.js'
import { shown } from '../contract/checks/shown.js'
import { MqError } from '../contract/errors.js'
import type { Queue, QueueOptions } from '../contract/queue.js'
import { createQueue } from '../queue/create-queue.js'
import { requireAdapter } from '../queue/require-adapter.js'
import { releaseAdapter } from '../queue/taken-adapters.js'
import {
  type AdapterConfig,
  type AdapterRequest,
  adapterRequest,
  knownTypes,
  type QueueAddress,
} from './queue-address.js'
import { applicationFolders, resolvePackage } from './resolve-package.js'

/**
 * Opens a queue and connects it. The adapter's package is loaded on demand: from the folder of the application's main file, its working
 * directory, or beside this package.
 *
 * Rejects with `MQ_UNSUPPORTED_TYPE`, `MQ_INVALID_URL`, `MQ_ADAPTER_INVALID` or `MQ_ADAPTER_NOT_INSTALLED`, which says what to install.
 * Rejects as well with the errors of `createQueue` and `Queue.connect`.
 */
export async function openQueue(address: QueueAddress, options: QueueOptions = {}): Promise<Queue> {
  const adapter = isAdapter(address) ? address : await loadAdapter(address)
  const queue = createQueue(adapter, options)
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

/** Loads the adapter for a URL or `{ type, ... }` from its package. It is not connected. Rejects as `openQueue` does. */
export async function loadAdapter(address: string | AdapterConfig): Promise<Adapter> {
  if (typeof address !== 'string' && (typeof address !== 'object' || address === null)) {
    throw new TypeError(`A queue is opened by a URL, { type, ... } or an adapter, not ${shown(address)}`)
  }
  const request = adapterRequest(address)
  const factory = factoryOf(await importAdapter(request), request)
  const adapter: unknown = await factory(request.options)
  try {
    requireAdapter(adapter)
  } catch (cause) {
    throw new MqError('MQ_ADAPTER_INVALID', `${request.packageName}: ${(cause as Error).message}`, { cause })
  }
  return adapter
}

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
  const text = `The queue type ${type} needs the package ${packageName}: npm install ${packageName}. Installed adapters: ${there}`
  return new MqError('MQ_ADAPTER_NOT_INSTALLED', text)
}
