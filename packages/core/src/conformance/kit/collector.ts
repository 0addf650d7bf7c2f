import type {
  EventDefinition,
  Handler,
  HandlerContext,
  Message,
  Queue,
  SubscribeOptions,
  Subscription,
  Target,
} from '../../index.js'

/** One run of a handler, from its start. */
export interface Run {
  readonly message: Message
  readonly id: string
  readonly attempt: number
  readonly data: unknown
  readonly signal: AbortSignal
  /** Milliseconds since 1970. */
  readonly startedAt: number
  endedAt: number | undefined
  failed: boolean
}

export interface CollectOptions extends SubscribeOptions {
  /** The work of a run. Default: nothing, so every message is acknowledged. */
  readonly handler?: (message: Message, context: HandlerContext, run: Run) => unknown
}

/** A subscription that records each run. */
export interface Collector {
  readonly subscription: Subscription
  /** All runs, in the order in which they started. */
  readonly runs: readonly Run[]
  /** The successful runs. */
  readonly handled: readonly Run[]
  /** The ids of `handled`, in the order in which they started. */
  readonly ids: readonly string[]
  readonly running: number
  /** The highest number of concurrent runs so far. */
  readonly peak: number
}

export async function collect(
  queue: Queue,
  topic: Target,
  { handler, ...options }: CollectOptions,
  onHandled: (id: string) => void = () => {},
): Promise<Collector> {
  const runs: Run[] = []
  let running = 0
  let peak = 0
  const recording: Handler = async (message, context) => {
    const { id, attempt, data } = message
    const { signal } = context
    const run: Run = { message, id, attempt, data, signal, startedAt: Date.now(), endedAt: undefined, failed: false }
    runs.push(run)
    running += 1
    peak = Math.max(peak, running)
    try {
      await handler?.(message, context, run)
      onHandled(id)
    } catch (error) {
      run.failed = true
      throw error
    } finally {
      running -= 1
      run.endedAt = Date.now()
    }
  }
  const subscription = await queue.subscribe(topic as EventDefinition, recording, options)
  const handled = (): Run[] => runs.filter((run) => run.endedAt !== undefined && !run.failed)
  return {
    subscription,
    runs,
    get handled() {
      return handled()
    },
    get ids() {
      return handled().map((run) => run.id)
    },
    get running() {
      return running
    },
    get peak() {
      return peak
    },
  }
}
