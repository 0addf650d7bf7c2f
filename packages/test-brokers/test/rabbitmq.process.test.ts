import { describe } from 'vitest'
import { brokers, rabbitmq } from '../src/index.js'
import { rabbitDriver } from './drivers/rabbitmq.js'
import { processSuite } from './suites/process.js'

describe.skipIf(!brokers.owned('rabbitmq'))('RabbitMQ', () => {
  processSuite({
    server: () => rabbitmq(),
    async driver(server) {
      const driver = await rabbitDriver(server)
      // The queue itself has to survive the kill.
      await server.flush()
      return driver
    },
  })
})
