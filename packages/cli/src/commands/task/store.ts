import type { TaskStore } from '@mq/core'
import { usageFailure } from '../../exit-codes.js'
import type { Session } from '../../session.js'
import { loadPackage } from '../load-package.js'

/** A store that has to be closed. */
export interface OpenStore extends TaskStore {
  disconnect(): Promise<void>
}

interface RedisPackage {
  readonly redisStore: (options: { readonly url: string }) => OpenStore
}

/** Opens the store that is named, or that of the queue if it is a Redis. Returns undefined if there is none. */
export async function openStore(session: Session, given: string | undefined): Promise<OpenStore | undefined> {
  const { env } = session
  const isRedis = (url: string): boolean => /^rediss?(\+unix)?:/i.test(url)
  const url = given ?? (env.MQ_STORE_URL || undefined)
  if (url !== undefined && !isRedis(url))
    throw usageFailure('--store is the URL of a Redis, as in redis://localhost:6379')
  const address = url ?? session.url()
  if (!isRedis(address)) return undefined
  const { redisStore } = await loadPackage<RedisPackage>('@mq/redis', 'A store in Redis')
  return redisStore({ url: address })
}
