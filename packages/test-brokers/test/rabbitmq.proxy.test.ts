import { describe } from 'vitest'
import { brokers, shared } from '../src/index.js'
import { rabbitDriver } from './drivers/rabbitmq.js'
import { proxySuite } from './suites/proxy.js'

describe.skipIf(!brokers.wanted('rabbitmq'))('in front of RabbitMQ', () => {
  proxySuite({ server: () => shared('rabbitmq'), driver: rabbitDriver })
})
