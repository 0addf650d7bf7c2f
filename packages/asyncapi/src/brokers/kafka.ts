import { brokerName } from '@mq/core/adapter'
import type { BrokerForm } from './broker.js'

const bindingVersion = '0.5.0'

/** Writes what `@mq/kafka` does. A test compares the two. */
export function kafkaForm(prefix: string | undefined): BrokerForm {
  const named = (...parts: readonly string[]): string => brokerName(prefix === undefined ? parts : [prefix, ...parts])
  return {
    protocol: 'kafka',
    headers:
      'The headers of a record, in the binary mode of the Kafka binding of CloudEvents. Others are those of the application.',
    attribute: (name) => (name === 'datacontenttype' ? 'content-type' : `ce_${name}`),
    channel(topic, at) {
      if (typeof at === 'object') return undefined
      return { binding: { topic: at ?? named(topic), bindingVersion } }
    },
    send: () => ({ bindingVersion }),
    receive: ({ topic, group }) => ({
      binding: { groupId: { type: 'string', enum: [named(topic, group)] }, bindingVersion },
    }),
    message: () => ({
      key: { type: 'string', description: 'The key by which messages keep their order. Null without one.' },
      bindingVersion,
    }),
  }
}
