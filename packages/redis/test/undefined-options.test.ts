import { type RedisOptions, type RedisStoreOptions, redis, redisStore } from '@mq/redis'
import { describe, expect, it } from 'vitest'

// A program under exactOptionalPropertyTypes passes on what may be undefined, as in `{ url: process.env.URL }`.
const redisNothing: Record<keyof RedisOptions, undefined> = {
  url: undefined,
  path: undefined,
  username: undefined,
  password: undefined,
  db: undefined,
  tls: undefined,
  sentinel: undefined,
  cluster: undefined,
  connectionName: undefined,
  createClient: undefined,
  connectTimeoutMs: undefined,
  commandTimeoutMs: undefined,
  prefix: undefined,
  visibilityMs: undefined,
  pollMs: undefined,
  maxMessageBytes: undefined,
  retain: undefined,
  dedupeMs: undefined,
  waitForReplicas: undefined,
  waitForAof: undefined,
  checkPersistence: undefined,
  checkEviction: undefined,
}
const redisStoreNothing: Record<keyof RedisStoreOptions, undefined> = {
  url: undefined,
  path: undefined,
  username: undefined,
  password: undefined,
  db: undefined,
  tls: undefined,
  sentinel: undefined,
  cluster: undefined,
  connectionName: undefined,
  createClient: undefined,
  connectTimeoutMs: undefined,
  commandTimeoutMs: undefined,
  client: undefined,
  prefix: undefined,
}

describe('options that are undefined', () => {
  it('count as left out by redis()', () => {
    expect(() => redis(redisNothing)).not.toThrow()
  })

  it('count as left out by redisStore()', () => {
    expect(() => redisStore(redisStoreNothing)).not.toThrow()
  })
})
