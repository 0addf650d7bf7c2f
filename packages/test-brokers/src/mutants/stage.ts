import type { Faults, StartedBroker, Subject } from '@mq/core/conformance'
import { type Answer, type Call, decode, encode } from './wire.js'

/** The faults that return at once. They are asked for when a broker is taken. */
const givesOptions = ['wrongCredentials', 'unreachable', 'untrusted'] as const

interface Place {
  readonly started: StartedBroker
  isDown: boolean
}

/** The service for one process. */
export interface Attendance {
  answer(call: Call): Promise<Answer>
  /** Closes the links that the process has opened, once it has ended. */
  end(): Promise<void>
}

export interface Stage {
  /** Carries out the calls of one process, which takes brokers by calling `take`. */
  attend(): Attendance
  /** Restarts and heals the brokers after a process that may have ended in the middle of a fault. */
  recover(): Promise<void>
  close(): Promise<void>
}

/**
 * Starts the brokers of a subject when they are first needed, and keeps them for all processes that follow one another. `forget` removes
 * what one of them leaves at a broker that could have its fault.
 */
export function createStage(subject: Subject, forget?: (started: StartedBroker) => Promise<void>): Stage {
  const faults = subject.faults as Faults | undefined
  const places: Place[] = []
  const underWay = new Set<Promise<unknown>>()

  async function placeAt(index: number): Promise<Place> {
    const place = places[index] ?? { started: (await subject.start?.()) ?? {}, isDown: false }
    places[index] = place
    return place
  }

  /** Returns the faults of a broker as an object whose functions another process can call. */
  function faultsAt(place: Place): Record<string, unknown> {
    const callable = Object.entries(faults ?? {}).flatMap(([name, fault]) => {
      if (typeof fault !== 'function' || (givesOptions as readonly string[]).includes(name)) return []
      const run = async (...args: unknown[]): Promise<unknown> => {
        const result = await fault.call(faults, place.started, ...args)
        if (name === 'kill') place.isDown = true
        if (name === 'restart') place.isDown = false
        return result
      }
      return [[name, run]]
    })
    return Object.fromEntries(callable)
  }

  function takenFrom(place: Place): Record<string, unknown> {
    const { options, broker } = place.started
    const given: Record<string, { readonly value?: unknown; readonly error?: string }> = {}
    for (const name of givesOptions) {
      if (faults?.[name] === undefined) continue
      try {
        given[name] = { value: faults[name](place.started) }
      } catch (error) {
        given[name] = { error: (error as Error).message }
      }
    }
    return { options, broker, given }
  }

  return {
    attend() {
      const objects: object[] = []
      let taken = 0
      const open = new Set<object>()
      const keep = (object: object): number => {
        if ('close' in object) open.add(object)
        return objects.push(object) - 1
      }
      const take = async () => {
        const place = await placeAt(taken++)
        return { ...takenFrom(place), faults: encode(faultsAt(place), keep) }
      }
      keep({ take })
      const carryOut = async ({ number, target, name, args }: Call): Promise<Answer> => {
        try {
          const object = objects[target] as Record<string, (...args: unknown[]) => unknown>
          if (name === 'close') open.delete(object)
          const result = await object[name]?.(...args.map((arg) => decode(arg, () => Promise.reject())))
          return { type: 'answer', number, value: encode(result, keep) }
        } catch (error) {
          return { type: 'answer', number, error: error instanceof Error ? error.message : String(error) }
        }
      }
      return {
        answer(call) {
          const answering = carryOut(call)
          underWay.add(answering)
          void answering.finally(() => underWay.delete(answering))
          return answering
        },
        async end() {
          await Promise.all(underWay)
          for (const object of open) await (object as { close(): Promise<void> }).close()
        },
      }
    },
    async recover() {
      await Promise.all(underWay)
      for (const place of places) {
        if (place.isDown) await faults?.restart?.(place.started)
        place.isDown = false
        await faults?.heal?.(place.started)
        await forget?.(place.started)
      }
    },
    async close() {
      await Promise.all(underWay)
      for (const { started } of places) await subject.stop?.(started)
    },
  }
}
