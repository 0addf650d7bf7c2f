import type { Adapter } from '../contract/adapter.js'
import { MqError } from '../contract/errors.js'

const taken = new WeakSet<Adapter>()

/**
 * Throws `MQ_INVALID_OPTION` if another queue has the adapter. An adapter value is one connection, which the first queue to disconnect
 * would end for the others.
 */
export function takeAdapter(adapter: Adapter): void {
  if (taken.has(adapter)) {
    const text =
      'This adapter belongs to another queue; make an adapter of its own for a second queue, with the same factory'
    throw new MqError('MQ_INVALID_OPTION', text)
  }
  taken.add(adapter)
}

/** Lets another queue have the adapter, because nobody has got the queue that took it. */
export const releaseAdapter = (adapter: Adapter): void => void taken.delete(adapter)
