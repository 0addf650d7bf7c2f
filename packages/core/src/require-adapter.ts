import type { Adapter } from './adapter.js'
import { shown } from './options.js'

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

/** Throws a `TypeError` that says what is missing. */
export function requireAdapter(value: unknown): asserts value is Adapter {
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`createQueue takes an adapter, memory() for example, not ${shown(value)}`)
  }
  const adapter = value as Partial<Adapter>
  const missing = methods.filter((method) => typeof adapter[method] !== 'function')
  if (missing.length > 0) throw new TypeError(`This is no adapter: it has no ${missing.join(', ')}`)
  if (typeof adapter.name !== 'string' || typeof adapter.capabilities !== 'object' || adapter.capabilities === null) {
    throw new TypeError('This is no adapter: it has no name or no capabilities')
  }
}
