import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import type { RunHandler } from '../contract/middleware.js'

/** Finds out whether a call comes from inside a run. See docs/decisions/0008-own-run-by-stack.md. */
export interface RunMark {
  /** The name of the functions around each run. No other function of the process has it. */
  readonly name: string
  /** Returns a handler whose runs are recognised, also before they have returned. If it is absent, a handler of that name is. */
  around?(run: RunHandler): RunHandler
  /** Calls a function and awaits what it returns, as a run. */
  awaiting(work: () => unknown): Promise<void>
  /** Returns true if the caller runs inside a run, or a run awaits the caller. */
  isInside(): boolean
}

export interface RunMarks {
  /** Creates the mark of one subscription. */
  next(): RunMark
  /** Returns true if the caller is inside a run of any of the subscriptions. */
  isInside(): boolean
}

/** Another copy of this package in the process has another one. */
const processPrefix = `mq.run.${randomUUID()}`
let queues = 0

/**
 * Creates the marks of the subscriptions of one queue. They use the stack if it shows the names of functions. Otherwise, as in Bun, they use
 * the asynchronous context.
 */
export function createRunMarks({ byStack = stackShowsNames() } = {}): RunMarks {
  queues += 1
  const prefix = `${processPrefix}.${queues}.`
  let subscriptions = 0
  const isOwn = (name: string | null): boolean => name?.startsWith(prefix) ?? false
  return {
    next() {
      subscriptions += 1
      const name = `${prefix}${subscriptions}`
      return byStack ? createStackMark(name) : createContextMark(name)
    },
    isInside: () => (byStack ? callerNames().some(isOwn) : isOwn(openRunName())),
  }
}

function createStackMark(name: string): RunMark {
  // Functions get their names from the computed keys.
  const awaiting = {
    async [name](work: () => unknown) {
      await work()
    },
  }[name] as RunMark['awaiting']
  return {
    name,
    awaiting,
    isInside: () => callerNames().includes(name),
  }
}

/** A run that has not ended. What it leaves behind does not count as inside. */
interface OpenRun {
  readonly name: string
  hasEnded: boolean
}

const openRun = new AsyncLocalStorage<OpenRun>()

function openRunName(): string | null {
  const run = openRun.getStore()
  return run === undefined || run.hasEnded ? null : run.name
}

function createContextMark(name: string): RunMark {
  const inside = <T>(work: () => T): T => {
    const run: OpenRun = { name, hasEnded: false }
    const end = (): void => {
      run.hasEnded = true
    }
    return openRun.run(run, () => {
      try {
        const returned = work()
        Promise.resolve(returned).then(end, end)
        return returned
      } catch (error) {
        end()
        throw error
      }
    })
  }
  return {
    name,
    around: (run) => (message, context) => inside(() => run(message, context)),
    async awaiting(work) {
      await inside(work)
    },
    isInside: () => openRunName() === name,
  }
}

let showsNames: boolean | undefined

/** Says whether the stack shows functions by the names that their keys gave them. In a frozen environment it shows nothing at all. */
function stackShowsNames(): boolean {
  if (showsNames === undefined) {
    const probe = createStackMark(`${processPrefix}.probe`)
    void probe.awaiting(() => {
      showsNames = probe.isInside() || callerNames().length === 0
    })
  }
  return showsNames ?? true
}

const maxFrames = 1_000

/** Returns the names of the functions on the stack, and of the asynchronous functions that await them. */
function callerNames(): readonly (string | null)[] {
  const { stackTraceLimit, prepareStackTrace } = Error
  try {
    Error.stackTraceLimit = maxFrames
    Error.prepareStackTrace = (_, sites) => sites.map((site) => site.getFunctionName())
    return new Error().stack as unknown as readonly (string | null)[]
  } catch {
    // In a frozen environment nothing can be found out.
    return []
  } finally {
    restore({ stackTraceLimit, prepareStackTrace })
  }
}

function restore(before: Pick<ErrorConstructor, 'stackTraceLimit' | 'prepareStackTrace'>): void {
  try {
    Object.assign(Error, before)
  } catch {
    // Frozen: nothing was changed.
  }
}
