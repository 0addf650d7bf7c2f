import { Redis } from 'ioredis'

/** The bytes that the broker holds, or undefined where it cannot be asked. */
export async function brokerMemory(url: string): Promise<number | undefined> {
  if (!/^rediss?:/.test(url)) return undefined
  const client = new Redis(url)
  try {
    return Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1])
  } finally {
    client.disconnect()
  }
}
