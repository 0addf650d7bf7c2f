import { describe } from 'vitest'
import { brokers, shared } from '../src/index.js'
import { postgresDriver } from './drivers/postgres.js'
import { proxySuite } from './suites/proxy.js'

describe.skipIf(!brokers.wanted('postgres'))('in front of PostgreSQL', () => {
  proxySuite({ server: () => shared('postgres'), driver: postgresDriver })
})
