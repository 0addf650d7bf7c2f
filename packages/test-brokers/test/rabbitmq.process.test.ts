import { describe } from 'vitest'
import { brokers, rabbitmq } from '../src/index.js'
import { rabbitDriver } from './drivers/rabbitmq.js'
import { processSuite } from './suites/process.js'

describe.skipIf(!brokers.owned('rabbitmq'))('RabbitMQ', () => {
  processSuite({ server: () => rabbitmq(), driver: rabbitDriver })
})
