import { randomUUID } from 'node:crypto'
import { openQueue, type Queue } from '@mq/core'
import { type Child, child } from '@mq/test-brokers'
import type { StartedBroker } from '../../brokers.js'
import { type Setting, withBroker } from '../part.js'
import { type Data, group, type Job, type Said } from './plan.js'

/** The run of a message, and the process in which it began. */
export interface Run {
  readonly consumer: Child<Said>
  readonly number: number
  readonly at: number
}

/** A topic of its own, with consumers as processes and the times of their runs. */
export interface Stage {
  readonly broker: StartedBroker
  /** When each message was published, by its number. */
  readonly published: readonly number[]
  publish(data?: Omit<Data, 'number'>): Promise<void>
  start(options: Pick<Job, 'concurrency' | 'handlerMs'>): Promise<Child<Said>>
  /** Returns all runs that have begun, of all processes. */
  runs(): readonly Run[]
}

const consumerFile = new URL('./consumer.ts', import.meta.url)
const readyMs = 60_000

/** Lets the work use a stage on a broker of its own. Then ends every process. */
export const withStage = <T>(setting: Setting, use: (stage: Stage) => Promise<T>): Promise<T> =>
  withBroker(
    setting,
    async (broker) => {
      const topic = `takeover-${randomUUID()}`
      const queue = await openQueue(broker.url)
      const consumers: Child<Said>[] = []
      try {
        await queue.declareGroup(topic, group)
        return await use(stageOf({ setting, broker, queue, topic, consumers }))
      } finally {
        await Promise.all(consumers.map((consumer) => consumer.kill()))
        await queue.disconnect({ timeoutMs: 5_000 })
      }
    },
    true,
  )

interface Props {
  readonly setting: Setting
  readonly broker: StartedBroker
  readonly queue: Queue
  readonly topic: string
  readonly consumers: Child<Said>[]
}

function stageOf({ setting, broker, queue, topic, consumers }: Props): Stage {
  const published: number[] = []
  return {
    broker,
    published,
    async publish(data) {
      const number = published.push(Date.now()) - 1
      await queue.publish(topic, { number, ...data })
    },
    async start(options) {
      const job: Job = { url: broker.url, topic, group, ...options }
      const consumer = await child<Said>(consumerFile, { args: [JSON.stringify(job)], env: setting.env })
      consumers.push(consumer)
      await consumer.waitFor((said) => said.some(({ type }) => type === 'ready'), {
        what: 'a consumer to be ready',
        timeoutMs: readyMs,
      })
      return consumer
    },
    runs: () =>
      consumers.flatMap((consumer) =>
        consumer.reported().flatMap((said) => (said.type === 'began' ? [{ ...said, consumer }] : [])),
      ),
  }
}

/** Returns the numbers of the messages that a process has begun. */
export const begunBy = (stage: Stage, consumer: Child<Said>): readonly number[] => [
  ...new Set(stage.runs().flatMap((run) => (run.consumer === consumer ? [run.number] : []))),
]
