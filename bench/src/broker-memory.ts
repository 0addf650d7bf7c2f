import { Redis } from 'ioredis'

/** Returns the bytes of memory that the broker uses, or undefined if it does not report them. */
export async function brokerMemory(url: string): Promise<number | undefined> {
  if (!/^rediss?:/.test(url)) return undefined
  const client = new Redis(url)
  try {
    return Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1])
  } finally {
    client.disconnect()
  }
}
