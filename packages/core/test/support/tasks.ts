import type { Settlement } from '../../src/adapter.js'
import {
  createScheduler,
  type QueueOptions,
  type RawMessage,
  type SchedulerOptions,
  type TaskScheduler,
} from '../../src/index.js'
import { type DeliveryChanges, deliver } from './deliveries.js'
import type { Behaviour, FakeConsumer } from './fake-adapter.js'
import { connected, type Opened } from './queues.js'

export interface Scheduled extends Opened {
  readonly scheduler: TaskScheduler
  /** The consumers of tasks and routes, without the one that hears of cancellations. */
  readonly workers: readonly FakeConsumer[]
  /** Hands a message to the consumer of a topic, as a broker does. */
  run(topic: string, changes?: DeliveryChanges): Promise<Settlement>
  /** The messages that were sent to a topic. */
  sent(topic: string): readonly RawMessage[]
}

export async function scheduled(
  behaviour: Behaviour = {},
  options: QueueOptions = {},
  schedulerOptions: SchedulerOptions = {},
): Promise<Scheduled> {
  const opened = await connected(behaviour, options)
  const { adapter, queue } = opened
  return {
    ...opened,
    scheduler: createScheduler(queue, schedulerOptions),
    get workers() {
      return adapter.consumers.filter(({ ref }) => ref.topic !== 'task-control')
    },
    run(topic, changes) {
      const consumer = adapter.consumers.find(({ ref }) => ref.topic === topic)
      if (consumer === undefined) throw new Error(`Nobody consumes ${topic}`)
      return deliver(consumer.handle, changes).settlement
    },
    sent: (topic) => adapter.published.filter((call) => call.topic === topic).flatMap(({ messages }) => messages),
  }
}
