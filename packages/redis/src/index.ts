export type { ClientFactory, ClientOptions, RedisOptions, SentinelOptions } from './options.js'
export { redis, redis as default } from './redis.js'
