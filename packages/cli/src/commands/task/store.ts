import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { TaskStore } from '@mq/core'
import { CommandFailure, exitCode, usageFailure } from '../../exit-codes.js'
import type { Session } from '../../session.js'

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
  const { redisStore } = await redisPackage()
  return redisStore({ url: address })
}

/** Loads the package from the folder of the application, or beside this one. */
async function redisPackage(): Promise<RedisPackage> {
  const name = '@mq/redis'
  try {
    const path = createRequire(join(process.cwd(), 'from-here.js')).resolve(name)
    return (await import(pathToFileURL(path).href)) as RedisPackage
  } catch {
    // Not installed there.
  }
  try {
    return (await import(name)) as RedisPackage
  } catch {
    throw new CommandFailure(exitCode.failed, `A store in Redis needs the package ${name}: npm install ${name}`)
  }
}
