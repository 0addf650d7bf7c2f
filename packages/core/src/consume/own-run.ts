import { randomUUID } from 'node:crypto'

/** Finds out whether a call comes from inside a run. See docs/decisions/0008-own-run-by-stack.md. */
export interface RunMark {
  /** The name of the functions around each run. No other function of the process has it. */
  readonly name: string
  /** Calls a function and awaits what it returns, in a function of that name. */
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

/** Creates the marks of the subscriptions of one queue. */
export function createRunMarks(): RunMarks {
  queues += 1
  const prefix = `${processPrefix}.${queues}.`
  let subscriptions = 0
  return {
    next() {
      subscriptions += 1
      return createRunMark(`${prefix}${subscriptions}`)
    },
    isInside: () => callerNames().some((name) => name?.startsWith(prefix)),
  }
}

function createRunMark(name: string): RunMark {
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
