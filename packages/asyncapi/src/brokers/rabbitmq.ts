import { brokerName } from '@mq/core/adapter'
import type { BrokerForm } from './broker.js'

const bindingVersion = '0.3.0'

/** Writes what `@mq/rabbitmq` does. A test compares the two. */
export function rabbitmqForm(prefix = 'mq'): BrokerForm {
  const named = (...parts: readonly string[]): string => brokerName([prefix, ...parts])
  return {
    protocol: 'amqp',
    headers:
      'The headers of a message, in the binary mode of the AMQP binding of CloudEvents. Others are those of the application. The content type is a property.',
    attribute: (name) => `cloudEvents:${name}`,
    channel(topic, at) {
      if (at === undefined) return { binding: exchange(named('topic', topic)) }
      if (typeof at === 'string') return { binding: { is: 'queue', queue: { name: at }, bindingVersion } }
      if (!('exchange' in at)) return undefined
      const { routingKey } = at
      return {
        binding: { is: 'routingKey', exchange: { name: at.exchange }, bindingVersion },
        names: { routingKey },
      }
    },
    send: () => ({ deliveryMode: 2, mandatory: true, timestamp: true, bindingVersion }),
    receive: ({ topic, group, at }) => ({
      binding: { ack: true, bindingVersion },
      names: { queue: typeof at === 'string' ? at : named('group', topic, group) },
    }),
    message: () => ({ bindingVersion }),
  }
}

const exchange = (name: string): object => ({
  is: 'routingKey',
  exchange: { name, type: 'fanout', durable: true, autoDelete: false },
  bindingVersion,
})
