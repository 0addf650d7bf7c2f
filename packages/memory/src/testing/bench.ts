import {
  createQueue,
  createScheduler,
  type Queue,
  type QueueOptions,
  type TaskScheduler,
  type TaskStore,
} from '@mq/core'
import { type MemoryAdapter, memory } from '../memory.js'
import { memoryStore } from '../memory-store.js'
import type { SettleOptions } from '../settle.js'
import { type TestClock, testClock } from '../test-clock.js'
import { recordRuns, type TaskRuns } from './runs.js'

export interface TestBenchOptions {
  /** Where the clock begins. With the year 2026 where none is given. */
  readonly startAt?: Date
  /** Of the queue. Its group is `test` where none is given. */
  readonly queue?: QueueOptions
}

/** Everything that an application needs from outside, in this process and on a clock that stands still. */
export interface TestBench extends AsyncDisposable {
  /** Connected. */
  readonly queue: Queue
  /** Not started: it is for the application to register, and to start. */
  readonly scheduler: TaskScheduler
  readonly store: TaskStore
  readonly adapter: MemoryAdapter
  readonly clock: TestClock
  /** What the scheduler has run. */
  readonly runs: TaskRuns
  /**
   * Resolves when nothing runs, waits or is delayed any more, but for the next ticks of schedules. The clock moves on by itself
   * from one due time to the next. Rejects with `MQ_TIMEOUT` after 10 s of real time, or `timeoutMs`.
   */
  settled(options?: SettleOptions): Promise<void>
  /** Moves the clock on, running on the way whatever falls due; resolves when nothing runs any more. What is delayed stays so. */
  advance(ms: number, options?: SettleOptions): Promise<void>
  /** Stops scheduler and queue at once. Always resolves. */
  close(): Promise<void>
}

/** Throws and rejects as `createQueue` does. */
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
    settled: (settleOptions) => adapter.settled(settleOptions),
    async advance(ms, settleOptions) {
      await clock.advance(ms)
      await adapter.idle(settleOptions)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
