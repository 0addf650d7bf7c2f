import { randomUUID } from 'node:crypto'
import { createQueue, type Queue, type QueueOptions } from '@mq/core'
import type { AdapterEvent } from '@mq/core/adapter'
import { type KafkaOptions, kafka } from '@mq/kafka'
import { shared } from '@mq/test-brokers'
import { onTestFinished } from 'vitest'

/** These are as short as a broker with ordinary settings allows. */
const shortSession = { sessionTimeoutMs: 6_000 } as const

const quickRetry = { attempts: 3, backoff: 'fixed', delayMs: 50, jitter: 'none' } as const

export interface Opened {
  readonly queue: Queue
  readonly events: AdapterEvent[]
}

/** Opens a queue on the shared Kafka or another one. It is disconnected after the test. */
export async function open(options: KafkaOptions & { queue?: QueueOptions } = {}): Promise<Opened> {
  const { queue: queueOptions, ...adapterOptions } = options
  const server = await shared('kafka')
  const adapter = kafka({ url: server.url, partitions: 3, ...shortSession, ...adapterOptions })
  const events: AdapterEvent[] = []
  adapter.on((event) => events.push(event))
  const write = (): void => {}
  const log = { debug: write, info: write, warn: write, error: write }
  const queue = createQueue(adapter, { group: 'g', retry: quickRetry, log, ...queueOptions })
  onTestFinished(() => queue.disconnect({ timeoutMs: 1_000 }))
  await queue.connect()
  return { queue, events }
}

export const newTopic = (): string => `t.${randomUUID()}`
