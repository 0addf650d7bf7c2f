import { MqError } from '../contract/errors.js'
import type { Subscription } from '../contract/handler.js'

export interface Registration {
  /** Names it in the error for a second one of the same name. */
  readonly what: string
  readonly start: () => Promise<Subscription>
  /** Opens a subscription that has to run before. It is called once for all registrations that have one. */
  readonly prerequisite?: () => Promise<Subscription>
}

/** Creates the list of what `start` starts and `stop` stops. A registration that is added after `start` is started at once. */
export function createRegistrations() {
  const registrations = new Map<string, Registration>()
  const running = new Map<string, Subscription>()
  /** Opened by `prerequisite`. */
  const sharedSubscriptions: Subscription[] = []
  let sharedOpened: Promise<void> | undefined
  let started: Promise<void> | undefined
  let stopped: Promise<void> | undefined

  const requireRunning = (): void => {
    if (stopped !== undefined) throw new MqError('MQ_CLOSED', 'The scheduler was stopped; make a new one')
  }
  const open = async (start: () => Promise<Subscription>, keep: (opened: Subscription) => void): Promise<void> => {
    const subscription = await start()
    keep(subscription)
    if (stopped !== undefined) await subscription.stop({ timeoutMs: 0 })
  }
  const startOne = async ([name, { start, prerequisite }]: readonly [string, Registration]): Promise<void> => {
    if (prerequisite !== undefined) {
      sharedOpened ??= open(prerequisite, (opened) => sharedSubscriptions.push(opened)).catch((error) => {
        sharedOpened = undefined
        throw error
      })
      await sharedOpened
    }
    await open(start, (opened) => running.set(name, opened))
    // It was removed while it started.
    if (!registrations.has(name)) await remove(name)
  }
  const remove = async (name: string): Promise<boolean> => {
    const subscription = running.get(name)
    running.delete(name)
    const wasThere = registrations.delete(name)
    await subscription?.stop()
    return wasThere
  }
  const stopAll = async (options?: { readonly timeoutMs?: number | undefined }): Promise<void> => {
    const ending = [...running.values()]
    running.clear()
    await Promise.all(ending.map((subscription) => subscription.stop(options)))
    // These are last, so that running tasks can be reached until they have ended.
    sharedOpened = undefined
    await Promise.all(sharedSubscriptions.splice(0).map((subscription) => subscription.stop({ timeoutMs: 0 })))
  }

  return {
    /** Returns true for a registration that was never started, because `start` was not called. */
    isOnlyNoted: (name: string): boolean => registrations.has(name) && started === undefined,
    async add(name: string, registration: Registration): Promise<void> {
      requireRunning()
      if (registrations.has(name)) throw new MqError('MQ_DUPLICATE_TASK', `${registration.what} is there already`)
      registrations.set(name, registration)
      if (started === undefined) return
      await started
      try {
        await startOne([name, registration])
      } catch (error) {
        registrations.delete(name)
        throw error
      }
    },
    /** Removes a registration, and stops it if it was started. Resolves to false if there is none of that name. */
    remove,
    start(): Promise<void> {
      started ??= (async () => {
        requireRunning()
        const results = await Promise.allSettled([...registrations].map(startOne))
        const failure = results.find((result) => result.status === 'rejected')
        if (failure === undefined) return
        await stopAll({ timeoutMs: 0 })
        throw failure.reason
      })().catch((error) => {
        started = undefined
        throw error
      })
      return started
    },
    async stop(options?: { readonly timeoutMs?: number | undefined }): Promise<void> {
      stopped ??= stopAll(options)
      await stopped
    },
  }
}

export type Registrations = ReturnType<typeof createRegistrations>
