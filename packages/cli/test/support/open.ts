import { randomUUID } from 'node:crypto'
import { type Adapter, createQueue, type Queue } from '@mq/core'
import { kafka } from '@mq/kafka'
import { postgres } from '@mq/postgres'
import { rabbitmq } from '@mq/rabbitmq'
import { redis } from '@mq/redis'
import type { RabbitServer, ServerKind } from '@mq/test-brokers'
import { shared, until } from '@mq/test-brokers'
import { onTestFinished } from 'vitest'

type Address = Pick<RabbitServer, 'url' | 'managementUrl'>

const adapters: Readonly<Record<ServerKind, (address: Address) => Adapter>> = {
  rabbitmq: ({ url, managementUrl }) =>
    rabbitmq({ url, ...(managementUrl !== undefined && { management: { url: managementUrl } }) }),
  redis: ({ url }) => redis({ url }),
  kafka: ({ url }) => kafka({ url, partitions: 2 }),
  postgres: ({ url }) => postgres({ url }),
}

export interface Opened {
  readonly url: string
  /** The variables with which the command reaches what the queue reaches. */
  readonly env: Readonly<Record<string, string>>
  readonly queue: Queue
  readonly topic: string
}

const write = (): void => {}
const log = { debug: write, info: write, warn: write, error: write }

/** Opens a queue of an application, on the shared broker or on a given one, with a topic of its own. */
export async function open(kind: ServerKind, server?: Address): Promise<Opened> {
  const address: Address = server ?? (await shared(kind))
  const queue = createQueue(adapters[kind](address), { group: 'g', retry: false, log })
  onTestFinished(() => queue.disconnect({ timeoutMs: 1_000 }))
  await queue.connect()
  const env = address.managementUrl === undefined ? {} : { MQ_MANAGEMENT_URL: address.managementUrl }
  return { url: address.url, env, queue, topic: `t.${randomUUID()}` }
}

/** Opens a queue on a broker of the test's own. */
export async function openAt(kind: ServerKind, url: string): Promise<Queue> {
  const queue = createQueue(adapters[kind]({ url }), { log })
  await queue.connect()
  return queue
}

/** Lets each of the data become a dead letter, in their order. */
export async function die(queue: Queue, topic: string, data: readonly unknown[]): Promise<void> {
  const fail = ({ data: given }: { data: unknown }): void => {
    const { code = 'EXAMPLE' } = (given ?? {}) as { code?: string }
    throw Object.assign(new Error('\u001b[2Jno\r\nway'), { code })
  }
  const subscription = await queue.subscribe(topic, fail, { concurrency: 200 })
  await queue.publishAll(topic, data)
  await until(async () => (await queue.stats(topic)).dead === data.length, {
    what: `${data.length} dead letters`,
    timeoutMs: 50_000,
  })
  await subscription.stop()
}
