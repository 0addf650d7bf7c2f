import { type RabbitmqOptions, rabbitmq } from '@mq/rabbitmq'
import { describe, expect, it } from 'vitest'

// A program under exactOptionalPropertyTypes passes on what may be undefined, as in `{ url: process.env.URL }`.
const rabbitmqNothing: Record<keyof RabbitmqOptions, undefined> = {
  url: undefined,
  hosts: undefined,
  username: undefined,
  password: undefined,
  vhost: undefined,
  tls: undefined,
  connectionName: undefined,
  connectTimeoutMs: undefined,
  heartbeatMs: undefined,
  prefix: undefined,
  queueArguments: undefined,
  consumerTimeoutMs: undefined,
  management: undefined,
  maxMessageBytes: undefined,
  createClient: undefined,
}

describe('options that are undefined', () => {
  it('count as left out by rabbitmq()', () => {
    expect(() => rabbitmq(rabbitmqNothing)).not.toThrow()
  })
})
