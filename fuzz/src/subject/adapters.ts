import type { Adapter } from '@mq/core/adapter'
import { type KafkaOptions, kafka } from '@mq/kafka'
import { memory } from '@mq/memory'
import { type RabbitmqOptions, rabbitmq } from '@mq/rabbitmq'
import { type RedisOptions, redis } from '@mq/redis'
import type { SubjectSetup } from './setup.js'

export function adapterOf({ adapter, options }: SubjectSetup): Adapter {
  switch (adapter) {
    case 'memory':
      return memory(options)
    case 'redis':
      return redis(options as RedisOptions)
    case 'rabbitmq':
      return rabbitmq(options as RabbitmqOptions)
    case 'kafka':
      return kafka(options as KafkaOptions)
  }
}
