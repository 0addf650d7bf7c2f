export type { ClientFactory, ClientOptions, NodeAddress, RedisOptions, SentinelOptions } from './options.js'
export { redis, redis as default } from './redis.js'
export type { RedisStoreOptions } from './store/options.js'
export { type RedisStore, redisStore } from './store.js'
