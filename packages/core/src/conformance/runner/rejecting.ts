import { keysOf } from '../../adapter.js'
import type { Adapter } from '../../index.js'

/** The members of an adapter that return a promise. */
type Asynchronous = {
  [Name in keyof Adapter]-?: NonNullable<Adapter[Name]> extends (...args: never[]) => Promise<unknown> ? Name : never
}[keyof Adapter]

const asynchronous: ReadonlySet<string | symbol> = new Set(
  keysOf<Record<Asynchronous, true>>()({
    connect: true,
    disconnect: true,
    publish: true,
    declareGroup: true,
    deleteGroup: true,
    consume: true,
    stats: true,
    topics: true,
    groups: true,
    pauseGroup: true,
    resumeGroup: true,
    diagnose: true,
  }),
)

/** Returns the adapter as it is, except that a member that throws instead of rejecting is named in what it throws. */
export function namingThrows(adapter: Adapter): Adapter {
  return new Proxy(adapter, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return (...args: unknown[]): unknown => {
        try {
          return Reflect.apply(member, target, args)
        } catch (error) {
          if (!asynchronous.has(name)) throw error
          const text = `adapter.${String(name)}() has to return a promise that rejects, but it threw: ${error instanceof Error ? error.message : String(error)}`
          throw new TypeError(text, { cause: error })
        }
      }
    },
  })
}
