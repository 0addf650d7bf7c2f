import type { Log } from './log.js'
import { requireFunction, shown } from './options.js'
import type { QueueEvents } from './queue.js'

type Listener<Name extends keyof QueueEvents> = (event: QueueEvents[Name]) => void

const eventNames: readonly (keyof QueueEvents)[] = ['state', 'error', 'data-loss', 'blocked', 'settled']

/** The listeners of one queue. A listener that throws or rejects is logged and disturbs nobody. */
export function createEmitter(log: Log) {
  const listeners = new Map<string, Set<(event: never) => void>>(eventNames.map((name) => [name, new Set()]))

  const of = (name: string): Set<(event: never) => void> => {
    const found = listeners.get(name)
    if (found === undefined) throw new TypeError(`No event ${shown(name)}. There are: ${eventNames.join(', ')}`)
    return found
  }

  const report = (name: string, error: unknown): void => log.error(`A listener for '${name}' threw`, { error })

  return {
    on<Name extends keyof QueueEvents>(name: Name, listener: Listener<Name>): () => void {
      requireFunction(listener, 'The listener')
      // An own function each, so that the same listener can be added twice and removed once.
      const own: Listener<Name> = (event) => listener(event)
      of(name).add(own)
      return () => void of(name).delete(own)
    },
    has: (name: keyof QueueEvents): boolean => of(name).size > 0,
    emit<Name extends keyof QueueEvents>(name: Name, event: QueueEvents[Name]): void {
      for (const listener of of(name)) {
        try {
          const returned: unknown = (listener as Listener<Name>)(event)
          if (returned instanceof Promise) returned.catch((error) => report(name, error))
        } catch (error) {
          report(name, error)
        }
      }
    },
  }
}

export type Emitter = ReturnType<typeof createEmitter>
