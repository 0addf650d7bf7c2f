import { kafka, rabbitmq, redis } from '@mq/test-brokers'
import type { Broker } from './contenders.js'

export interface StartedBroker {
  readonly url: string
  readonly version: string
  stop(): Promise<void>
}

/** Starts a broker for this measurement alone, with the durability that its documentation recommends for production. */
export async function startBroker(broker: Broker): Promise<StartedBroker> {
  if (broker === 'memory') return { url: 'memory:', version: 'in process', stop: async () => {} }
  const server = await starts[broker]()
  return { url: server.url, version: `${broker} ${server.version ?? ''}`.trim(), stop: () => server.stop() }
}

const starts = {
  redis: () => redis({ config: { appendfsync: 'everysec' } }),
  rabbitmq: () => rabbitmq(),
  kafka: () => kafka(),
}
