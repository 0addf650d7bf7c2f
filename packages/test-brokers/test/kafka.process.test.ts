import { describe } from 'vitest'
import { brokers, kafka } from '../src/index.js'
import { kafkaDriver } from './drivers/kafka.js'
import { processSuite } from './suites/process.js'

describe.skipIf(!brokers.owned('kafka'))('Kafka', () => {
  processSuite({ server: () => kafka(), driver: kafkaDriver })
})
