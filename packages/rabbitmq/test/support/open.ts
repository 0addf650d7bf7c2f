import { randomUUID } from 'node:crypto'
import { type Adapter, createQueue, type Queue, type QueueOptions } from '@mq/core'
import { until } from '@mq/test-brokers'
import { afterEach } from 'vitest'
import { type RabbitmqOptions, rabbitmq } from '../../src/index.js'

const opened: Queue[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((queue) => queue.disconnect({ timeoutMs: 500 })))
})

/** Opens a queue that is disconnected after the test. */
export async function open(
  options: RabbitmqOptions,
  queueOptions: QueueOptions = {},
  adapter: (options: RabbitmqOptions) => Adapter = rabbitmq,
): Promise<Queue> {
  const queue = createQueue(adapter(options), { group: 'workers', ...queueOptions })
  opened.push(queue)
  await queue.connect()
  return queue
}

/** Returns a topic that no other test uses. */
export const freshTopic = (): string => `t.${randomUUID()}`

export const eventually = (isTrue: () => boolean | Promise<boolean>, what: string, timeoutMs = 15_000): Promise<void> =>
  until(isTrue, { what, timeoutMs }).then(() => undefined)

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
