import { createQueue, type Queue, type QueueOptions } from '@mq/core'
import { type MemoryAdapter, type MemoryOptions, memory, type TestClock, testClock } from '@mq/memory'
import { onTestFinished } from 'vitest'

export interface Opened {
  readonly clock: TestClock
  readonly adapter: MemoryAdapter
  readonly queue: Queue
}

/** A connected queue on a broker and a clock of its own, disconnected when the test ends. */
export async function open(options: { memory?: MemoryOptions; queue?: QueueOptions } = {}): Promise<Opened> {
  const clock = testClock()
  const adapter = memory({ clock, ...options.memory })
  const queue = createQueue(adapter, { group: 'g', retry: { jitter: 'none' }, ...options.queue })
  await queue.connect()
  onTestFinished(() => queue.disconnect({ timeoutMs: 0 }))
  return { clock, adapter, queue }
}

/** A promise that is settled from outside. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

export const fail = (): never => {
  throw new Error('broken')
}
