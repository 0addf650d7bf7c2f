export type { ClientFactory, ClientOptions, NodeAddress, RedisOptions, SentinelOptions } from './options.js'
export { redis, redis as default } from './redis.js'
export { type RedisStore, type RedisStoreOptions, redisStore } from './store.js'
