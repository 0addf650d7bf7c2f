import { Redis } from 'ioredis'
import { Client } from 'pg'

/** Returns the bytes that the broker uses, of memory or of a disk, or undefined if it does not report them. */
export async function brokerMemory(url: string): Promise<number | undefined> {
  if (/^rediss?:/.test(url)) return await redisMemory(url)
  return /^postgres:/.test(url) ? await databaseSize(url) : undefined
}

async function redisMemory(url: string): Promise<number> {
  const client = new Redis(url)
  try {
    return Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1])
  } finally {
    client.disconnect()
  }
}

async function databaseSize(url: string): Promise<number> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query('SELECT pg_database_size(current_database())::float8 AS bytes')
    return Number(rows[0]?.bytes)
  } finally {
    await client.end()
  }
}
