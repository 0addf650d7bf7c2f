import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import type { RedisServer, Server } from '../../src/index.js'
import { type Driver, payload } from './driver.js'

/** Sends each command once. It fails with its connection. */
export async function connectRedis(url: string, { ca }: { ca?: string | undefined } = {}): Promise<Redis> {
  const client = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    retryStrategy: () => null,
    connectTimeout: 2_000,
    ...(ca !== undefined && { tls: { ca } }),
  })
  let cause: unknown
  client.on('error', (error) => {
    cause = error
  })
  try {
    await client.connect()
  } catch (error) {
    client.disconnect()
    throw cause ?? error
  }
  return client
}

export async function redisDriver(server: RedisServer): Promise<Driver> {
  const key = `writes.${randomUUID()}`
  /** Connects for each request, because the server may have been restarted since the last. */
  const ask = async <T>(question: (client: Redis) => Promise<T>): Promise<T> => {
    const client = await connectRedis(server.url)
    try {
      return await question(client)
    } finally {
      client.disconnect()
    }
  }
  return {
    async open(at: Pick<Server, 'url'>) {
      const client = await connectRedis(at.url)
      return {
        write: async (id, bytes = 10) => void (await client.hset(key, id, payload(bytes))),
        close: async () => client.disconnect(),
      }
    },
    count: async () => await ask((client) => client.hlen(key)),
    ids: async () => new Set(await ask((client) => client.hkeys(key))),
    close: async () => undefined,
  }
}
