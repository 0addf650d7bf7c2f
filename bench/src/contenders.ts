import type { ServerKind } from '@mq/test-brokers'

/** PostgreSQL is not measured yet. */
export type MeasuredServer = Exclude<ServerKind, 'postgres'>

export type Broker = MeasuredServer | 'memory'

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
} as const satisfies Record<Broker, { ours: string } & Record<string, string>>

export const namesFor = (broker: Broker): Readonly<Record<string, string>> => contenders[broker]
