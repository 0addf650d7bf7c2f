import type { Alone } from '../kit/case.js'
import { type Environment, type LoadedSubject, startEnvironment } from './environment.js'
import { createTurns } from './turns.js'

interface Place {
  started?: Promise<Environment>
}

/**
 * Manages the brokers of one run, each of which starts when a case first needs it. With one broker, a case that runs `alone`
 * waits until no other runs. With more, such cases use all but the first, one case per broker, and hold up only the cases
 * that look at the whole process.
 */
export function createEnvironments(loaded: LoadedSubject, brokers: number) {
  const wholeProcess = createTurns()
  const turns = createTurns()
  const shared: Place = {}
  const apart = Array.from({ length: brokers - 1 }, (): Place => ({}))
  const free = [...apart]
  const waiting: ((place: Place) => void)[] = []

  const start = (place: Place): Promise<Environment> => {
    place.started ??= startEnvironment(loaded)
    return place.started
  }
  const freePlace = (): Promise<Place> | Place => free.shift() ?? new Promise<Place>((resolve) => waiting.push(resolve))
  const giveBack = (place: Place): void => {
    const next = waiting.shift()
    if (next === undefined) free.push(place)
    else next(place)
  }

  async function takeBroker<T>(alone: boolean, work: (environment: Environment) => Promise<T>): Promise<T> {
    if (!alone || apart.length === 0) return turns.take(alone, async () => work(await start(shared)))
    const place = await freePlace()
    try {
      return await work(await start(place))
    } finally {
      giveBack(place)
    }
  }

  return {
    /** Waits for a turn and does the work. Rejects if the broker cannot be started. */
    take<T>(alone: Alone | undefined, work: (environment: Environment) => Promise<T>): Promise<T> {
      return wholeProcess.take(alone === 'process', () => takeBroker(alone !== undefined, work))
    },
    /** Returns the name of the first broker. */
    async broker(): Promise<string | undefined> {
      return (await (shared.started ?? apart[0]?.started))?.broker
    },
    async close(): Promise<void> {
      const closing = [shared, ...apart].map(async ({ started }) => (await started?.catch(() => undefined))?.close())
      await Promise.all(closing)
    },
  }
}
