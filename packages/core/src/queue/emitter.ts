import { keysOf, refuseUnknown, requireOptions } from '../contract/checks/options.js'
import { shown } from '../contract/checks/shown.js'
import { requireBoolean, requireFunction } from '../contract/checks/values.js'
import { MqError } from '../contract/errors.js'
import { describeWithStack, errorWith, type FailureError, onOneLine } from '../contract/failure.js'
import type { Log } from '../contract/log.js'
import type { ListenOptions } from '../contract/queue.js'

const optionNames = keysOf<ListenOptions>()({ keepsLog: true })

/** An error that a listener threw, or rejected with. */
export interface ListenerFailure<Name extends string = string> {
  readonly name: Name
  readonly thrown: unknown
}

/**
 * Creates the listeners of a queue or a scheduler. If a listener throws or rejects, `onFailure` gets the error, and the others still get
 * the event. `on` throws a `TypeError` for a name that is not among `eventNames`.
 */
export function createEmitter<Events extends object>(
  eventNames: readonly (keyof Events & string)[],
  onFailure: (failure: ListenerFailure<keyof Events & string>) => void,
) {
  type Name = keyof Events & string
  const listeners = new Map<string, Set<(event: never) => unknown>>(eventNames.map((name) => [name, new Set()]))
  const besideLog = new WeakSet<(event: never) => unknown>()

  const listenersOf = (name: string): Set<(event: never) => unknown> => {
    const found = listeners.get(name)
    if (found === undefined) throw new TypeError(`No event ${shown(name)}. There are: ${eventNames.join(', ')}`)
    return found
  }

  return {
    on<N extends Name>(name: N, listener: (event: Events[N]) => void, given: ListenOptions = {}): () => void {
      requireFunction(listener, 'The listener')
      requireOptions(given, 'The options of on')
      refuseUnknown(given, optionNames, 'on')
      const { keepsLog = false } = given
      requireBoolean(keepsLog, 'keepsLog')
      // Wrapped, so that the same listener can be added twice and removed once.
      const own = (event: Events[N]): unknown => listener(event)
      if (keepsLog) besideLog.add(own)
      listenersOf(name).add(own)
      return () => void listenersOf(name).delete(own)
    },
    has: (name: Name): boolean => listenersOf(name).size > 0,
    /** Whether a listener gets what would be logged otherwise. */
    replacesLog: (name: Name): boolean => [...listenersOf(name)].some((listener) => !besideLog.has(listener)),
    emit<N extends Name>(name: N, event: Events[N]): void {
      const report = (thrown: unknown): void => onFailure({ name, thrown })
      for (const listener of listenersOf(name)) {
        try {
          const returned = (listener as (event: Events[N]) => unknown)(event)
          // A promise of a library or of another realm counts too.
          if (typeof (returned as PromiseLike<unknown> | undefined)?.then === 'function') {
            ;(returned as PromiseLike<unknown>).then(undefined, report)
          }
        } catch (error) {
          report(error)
        }
      }
    },
  }
}

/** Logs the error of a listener as failures of handlers are logged: by its parts, without passwords. */
export function logListenerFailure(log: Log, { name, thrown }: ListenerFailure): void {
  const error = describeWithStack(thrown)
  log.error(textOf(name, error), { error })
}

/** Returns the error of a listener for those who listen for errors. */
export function listenerError({ name, thrown }: ListenerFailure): MqError {
  const described = describeWithStack(thrown)
  return new MqError('MQ_OPERATION_FAILED', textOf(name, described), { cause: errorWith(described) })
}

const textOf = (name: string, error: FailureError): string => `A listener for '${name}' threw: ${onOneLine(error)}`

export type Emitter<Events extends object> = ReturnType<typeof createEmitter<Events>>
