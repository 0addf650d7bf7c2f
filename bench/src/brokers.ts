import { kafka, postgresql, rabbitmq, redis, type Server } from '@mq/test-brokers'
import type { Broker } from './contenders.js'

export interface StartedBroker {
  readonly url: string
  readonly version: string
  /** Undefined for the embedded broker. */
  readonly port?: number
  /** Undefined for the embedded broker. */
  readonly server?: Pick<Server, 'pause' | 'resume'>
  stop(): Promise<void>
}

/**
 * Starts a broker for this measurement alone, with the durability that its documentation recommends for production. `isAsShipped` gives
 * Kafka the heap and the delay of a group's first rebalance that it has by default.
 */
export async function startBroker(broker: Broker, isAsShipped = false): Promise<StartedBroker> {
  if (broker === 'memory') return { url: 'memory:', version: 'in process', stop: async () => {} }
  const server = await starts[broker](isAsShipped)
  return {
    url: server.url,
    version: `${broker} ${server.version ?? ''}`.trim(),
    port: server.port,
    server,
    stop: () => server.stop(),
  }
}

const starts = {
  redis: () => redis({ config: { appendfsync: 'everysec' } }),
  rabbitmq: () => rabbitmq(),
  postgres: () => postgresql(),
  kafka: (isAsShipped: boolean) =>
    isAsShipped ? kafka({ heapMb: 1_024, config: { 'group.initial.rebalance.delay.ms': '3000' } }) : kafka(),
}
