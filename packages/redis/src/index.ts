export type { ClientFactory, ClientOptions, NodeAddress, RedisOptions, SentinelOptions } from './options.js'
export { redis, redis as default } from './redis.js'
