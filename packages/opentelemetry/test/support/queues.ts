import { createQueue, type Queue, type QueueOptions } from '@mq/core'
import { memory, testClock } from '@mq/memory'
import { onTestFinished } from 'vitest'
import { type InstrumentOptions, instrument } from '../../src/index.js'

/** A connected queue in this process, on a clock that a test sets. */
export async function opened(options: InstrumentOptions = {}, queueOptions: QueueOptions = {}) {
  const clock = testClock()
  const adapter = memory({ clock })
  const queue: Queue = createQueue(adapter, { logFailures: false, ...queueOptions })
  const instrumentation = instrument(queue, options)
  await queue.connect()
  onTestFinished(() => queue.disconnect())
  return { queue, adapter, clock, instrumentation }
}
