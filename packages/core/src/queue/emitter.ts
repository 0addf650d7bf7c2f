import { shown } from '../contract/checks/shown.js'
import { requireFunction } from '../contract/checks/values.js'
import type { Log } from '../contract/log.js'

/**
 * Creates the listeners of a queue or a scheduler. If a listener throws or rejects, the error is logged and the others still get the
 * event. `on` throws a `TypeError` for a name that is not among `eventNames`.
 */
export function createEmitter<Events extends object>(eventNames: readonly (keyof Events & string)[], log: Log) {
  type Name = keyof Events & string
  const listeners = new Map<string, Set<(event: never) => unknown>>(eventNames.map((name) => [name, new Set()]))

  const listenersOf = (name: string): Set<(event: never) => unknown> => {
    const found = listeners.get(name)
    if (found === undefined) throw new TypeError(`No event ${shown(name)}. There are: ${eventNames.join(', ')}`)
    return found
  }

  return {
    on<N extends Name>(name: N, listener: (event: Events[N]) => void): () => void {
      requireFunction(listener, 'The listener')
      // Wrapped, so that the same listener can be added twice and removed once.
      const own = (event: Events[N]): unknown => listener(event)
      listenersOf(name).add(own)
      return () => void listenersOf(name).delete(own)
    },
    has: (name: Name): boolean => listenersOf(name).size > 0,
    emit<N extends Name>(name: N, event: Events[N]): void {
      const report = (error: unknown): void => log.error(`A listener for '${name}' threw`, { error })
      for (const listener of listenersOf(name)) {
        try {
          const returned = (listener as (event: Events[N]) => unknown)(event)
          if (returned instanceof Promise) returned.catch(report)
        } catch (error) {
          report(error)
        }
      }
    },
  }
}

export type Emitter<Events extends object> = ReturnType<typeof createEmitter<Events>>
