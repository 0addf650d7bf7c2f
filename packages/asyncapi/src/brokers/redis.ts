import type { BrokerForm } from './broker.js'

/** Writes what `@mq/redis` does. A test compares the two. The bindings of Redis have no members yet. */
export function redisForm(prefix = 'mq'): BrokerForm {
  const streamOf = (topic: string): string => `${prefix}:{${topic}}:stream`
  return {
    protocol: 'redis',
    headers:
      'The fields of an entry of the stream: CloudEvents attributes under their own names. A header of the application has the prefix `header:`, and the field `data` is the payload.',
    attribute: (name) => name,
    channel(topic, at) {
      if (at === undefined) return { binding: {}, names: { stream: streamOf(topic) } }
      if (typeof at === 'string') return { binding: {}, names: { stream: at } }
      return 'stream' in at ? { binding: {}, names: { stream: at.stream, field: at.field } } : undefined
    },
    send: () => ({}),
    receive: ({ topic, group, at }) => ({
      binding: {},
      names: { consumerGroup: at === undefined ? group : `${prefix}:${topic}:${group}` },
    }),
    message: () => ({}),
  }
}
