export type {
  ClientFactory,
  ClientOptions,
  NodeAddress,
  RedisConnectionOptions,
  SentinelOptions,
} from './options/connection.js'
export type { RedisOptions } from './options.js'
export { redis, redis as default } from './redis.js'
export type { RedisStoreOptions } from './store/options.js'
export { type RedisStore, redisStore } from './store.js'
