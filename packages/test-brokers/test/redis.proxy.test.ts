import { describe } from 'vitest'
import { brokers, shared } from '../src/index.js'
import { redisDriver } from './drivers/redis.js'
import { proxySuite } from './suites/proxy.js'

describe.skipIf(!brokers.wanted('redis'))('in front of Redis', () => {
  proxySuite({ server: () => shared('redis'), driver: redisDriver })
})
