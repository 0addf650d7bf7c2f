import { requireFunction, shown } from './options.js'

/** The listeners of one object. One that throws is reported by `onThrow` and disturbs nobody. */
export function createEmitter<Events extends object>(
  names: readonly (keyof Events & string)[],
  onThrow: (name: string, error: unknown) => void,
) {
  type Name = keyof Events & string
  const listeners = new Map<string, Set<(event: never) => void>>(names.map((name) => [name, new Set()]))

  const of = (name: string): Set<(event: never) => void> => {
    const found = listeners.get(name)
    if (found === undefined) throw new TypeError(`No event ${shown(name)}. There are: ${names.join(', ')}`)
    return found
  }

  return {
    on<N extends Name>(name: N, listener: (event: Events[N]) => void): () => void {
      requireFunction(listener, 'The listener')
      // An own function each, so that the same listener can be added twice and removed once.
      const own = (event: Events[N]): void => listener(event)
      of(name).add(own)
      return () => void of(name).delete(own)
    },
    has: (name: Name): boolean => of(name).size > 0,
    emit<N extends Name>(name: N, event: Events[N]): void {
      for (const listener of of(name)) {
        try {
          ;(listener as (event: Events[N]) => void)(event)
        } catch (error) {
          onThrow(name, error)
        }
      }
    },
  }
}

export type Emitter<Events extends object> = ReturnType<typeof createEmitter<Events>>
