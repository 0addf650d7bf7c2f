import type { ServerKind } from '@mq/test-brokers'

export type Broker = ServerKind | 'memory'

/** The names of the contenders, by the file in `systems/` that opens each. The others are compared with the first one, ours. */
export const contenders = {
  memory: { ours: '@mq/memory' },
  redis: { ours: '@mq/redis', 'ioredis-raw': 'ioredis, raw', 'ioredis-body': 'ioredis, body alone', bullmq: 'BullMQ' },
  rabbitmq: { ours: '@mq/rabbitmq', 'amqplib-raw': 'amqplib, raw', 'amqplib-body': 'amqplib, body alone' },
  kafka: {
    ours: '@mq/kafka',
    'kafkajs-raw': 'kafkajs, raw',
    'kafkajs-body': 'kafkajs, body alone',
    'kafkajs-guide': 'kafkajs, as in its guide',
  },
  postgres: { ours: '@mq/postgres', 'pg-boss': 'pg-boss', 'graphile-worker': 'Graphile Worker' },
} as const satisfies Record<Broker, { ours: string } & Record<string, string>>

export const namesFor = (broker: Broker): Readonly<Record<string, string>> => contenders[broker]
