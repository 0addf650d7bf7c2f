import { MqError } from '../contract/errors.js'
import type { Subscription } from '../contract/handler.js'

export interface Starter {
  /** For the error when it is there already. */
  readonly what: string
  readonly start: () => Promise<Subscription>
  /** What has to run before it, once for all starters that need it. */
  readonly before?: () => Promise<Subscription>
}

/** What begins with `start` and ends with `stop`: added before, it is only noted; added later, it is started at once. */
export function createStarters() {
  const starters = new Map<string, Starter>()
  const running = new Map<string, Subscription>()
  /** What `before` has opened. */
  const helpers: Subscription[] = []
  let shared: Promise<void> | undefined
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
  const startOne = async ([name, { start, before }]: readonly [string, Starter]): Promise<void> => {
    if (before !== undefined) {
      shared ??= open(before, (opened) => helpers.push(opened)).catch((error) => {
        shared = undefined
        throw error
      })
      await shared
    }
    await open(start, (opened) => running.set(name, opened))
    // Taken out while it began.
    if (!starters.has(name)) await remove(name)
  }
  const remove = async (name: string): Promise<boolean> => {
    const subscription = running.get(name)
    running.delete(name)
    const wasThere = starters.delete(name)
    await subscription?.stop()
    return wasThere
  }
  const stopAll = async (options?: { readonly timeoutMs?: number }): Promise<void> => {
    const ending = [...running.values()]
    running.clear()
    await Promise.all(ending.map((subscription) => subscription.stop(options)))
    // Last: what is still running can be reached until it has ended.
    shared = undefined
    await Promise.all(helpers.splice(0).map((subscription) => subscription.stop({ timeoutMs: 0 })))
  }

  return {
    async add(name: string, starter: Starter): Promise<void> {
      requireRunning()
      if (starters.has(name)) throw new MqError('MQ_DUPLICATE_TASK', `${starter.what} is there already`)
      starters.set(name, starter)
      if (started === undefined) return
      await started
      try {
        await startOne([name, starter])
      } catch (error) {
        starters.delete(name)
        throw error
      }
    },
    /** Stops it, where it was started. False when there is none of that name. */
    remove,
    start(): Promise<void> {
      started ??= (async () => {
        requireRunning()
        const results = await Promise.allSettled([...starters].map(startOne))
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
    async stop(options?: { readonly timeoutMs?: number }): Promise<void> {
      stopped ??= stopAll(options)
      await stopped
    },
  }
}

export type Starters = ReturnType<typeof createStarters>
