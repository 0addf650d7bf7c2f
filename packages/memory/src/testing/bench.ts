import {
  createQueue,
  createScheduler,
  type Queue,
  type QueueOptions,
  type TaskScheduler,
  type TaskStore,
} from '@mq/core'
import type { IdleOptions } from '../idle.js'
import { type MemoryAdapter, memory } from '../memory.js'
import { memoryStore } from '../memory-store.js'
import { type TestClock, testClock } from '../test-clock.js'
import { recordRuns, type TaskRuns } from './runs.js'
import { isTickAhead } from './ticks-ahead.js'

export interface TestBenchOptions {
  /** The time at which the clock begins. Default: the beginning of 2026, UTC. */
  readonly startAt?: Date | undefined
  /** Options of the queue. Default: the group `test`. */
  readonly queue?: QueueOptions | undefined
}

/** Everything that an application needs from outside, in this process and on a clock that stands still until it is moved. */
export interface TestBench extends AsyncDisposable {
  /** The queue is connected. */
  readonly queue: Queue
  /** The scheduler is not started: the application registers its tasks and starts it. */
  readonly scheduler: TaskScheduler
  readonly store: TaskStore
  readonly adapter: MemoryAdapter
  readonly clock: TestClock
  /** The runs of tasks that this scheduler has ended. */
  readonly runs: TaskRuns
  /**
   * Resolves when nothing runs, waits or is delayed any more, except for the next tick of each schedule. The clock moves on by
   * itself from one due time to the next. If runs wait and nothing has begun or ended for half a second of real time, it moves on to
   * the next timer too, such as a timeout. Rejects with `MQ_TIMEOUT`, which names what runs, after 10 s of real time, or `timeoutMs`.
   */
  settled(options?: IdleOptions): Promise<void>
  /** Moves the clock on and runs what falls due on the way. Resolves when nothing runs any more; delayed messages stay delayed. */
  advance(ms: number, options?: IdleOptions): Promise<void>
  /** Stops the scheduler and the queue at once. Always resolves. */
  close(): Promise<void>
}

/** Creates a test bench. Rejects as `createQueue` throws, and as `connect` rejects. */
export async function testBench(options: TestBenchOptions = {}): Promise<TestBench> {
  const clock = testClock(options.startAt === undefined ? {} : { startAt: options.startAt })
  const adapter = memory({ clock })
  const store = memoryStore({ clock })
  const queue = createQueue(adapter, { group: 'test', ...options.queue })
  await queue.connect()
  const scheduler = createScheduler(queue, { store })
  const close = async (): Promise<void> => {
    await scheduler.stop({ timeoutMs: 0 })
    await queue.disconnect({ timeoutMs: 0 })
  }
  return {
    queue,
    scheduler,
    store,
    adapter,
    clock,
    runs: recordRuns(queue, scheduler),
    settled: (idleOptions) => adapter.settled({ ...idleOptions, except: isTickAhead }),
    async advance(ms, idleOptions) {
      await clock.advance(ms)
      await adapter.idle(idleOptions)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
