import type { Broker } from './broker.js'

const brokers = new Map<string, Broker>()

/** The brokers of this process by name, like hosts. */
export const registry = {
  add: (name: string, broker: Broker): void => void brokers.set(name, broker),
  remove: (name: string): void => void brokers.delete(name),
  find: (name: string): Broker | undefined => brokers.get(name),
}
