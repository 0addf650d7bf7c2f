import { type Adapter, adapterContract } from '../contract/adapter.js'
import { shown } from '../contract/checks.js'
import { MqError } from '../contract/errors.js'

const methods = [
  'connect',
  'disconnect',
  'publish',
  'declareGroup',
  'deleteGroup',
  'consume',
  'deadLetters',
  'stats',
  'health',
  'on',
] as const satisfies readonly (keyof Adapter)[]

/**
 * Throws a `TypeError` that says what is missing, and `MQ_ADAPTER_INVALID` for an adapter that was written for another version
 * of the contract.
 */
export function requireAdapter(value: unknown): asserts value is Adapter {
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`createQueue takes an adapter, memory() for example, not ${shown(value)}`)
  }
  const adapter = value as Partial<Adapter>
  // First: what an adapter of another contract lacks says nothing about what to do.
  requireContract(adapter)
  const missing = methods.filter((method) => typeof adapter[method] !== 'function')
  if (missing.length > 0) throw new TypeError(`This is no adapter: it has no ${missing.join(', ')}`)
  if (typeof adapter.name !== 'string' || typeof adapter.capabilities !== 'object' || adapter.capabilities === null) {
    throw new TypeError('This is no adapter: it has no name or no capabilities')
  }
}

function requireContract({ contract = 1 }: { readonly contract?: unknown }): void {
  if (contract === adapterContract) return
  if (typeof contract !== 'number') throw new TypeError(`contract must be a number, not ${shown(contract)}`)
  const older = contract < adapterContract ? 'the adapter' : '@mq/core'
  throw new MqError(
    'MQ_ADAPTER_INVALID',
    `This adapter is written for version ${contract} of the contract and this @mq/core for ${adapterContract}: update ${older}`,
  )
}
