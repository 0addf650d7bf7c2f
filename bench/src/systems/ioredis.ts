import { Redis } from 'ioredis'
import type { Body, OpenSystem } from '../system.js'
import { decode, encode } from './json.js'

/** Returns a system that uses streams as fast as ioredis can, with automatic pipelining, and stores the given fields with each body. */
export const ioredisWith =
  (fieldsOf: (topic: string) => readonly string[]): OpenSystem =>
  async ({ url, topic, concurrency, isPrepared = false }) => {
    const client = new Redis(url, { enableAutoPipelining: true })
    const reader = client.duplicate()
    if (!isPrepared) await client.xgroup('CREATE', topic, 'bench', '$', 'MKSTREAM')
    let isOpen = true

    const handle = async (handler: (body: Body) => void, [id, fields]: [Buffer, Buffer[]]): Promise<void> => {
      handler(decode(fields.at(-1) as Buffer))
      await client.xack(topic, 'bench', id)
    }
    return {
      async publish(body) {
        await client.xadd(topic, '*', ...fieldsOf(topic), 'data', encode(body))
      },
      async consume(handler) {
        const read = async (): Promise<void> => {
          while (isOpen) {
            const replies = (await reader.xreadgroupBuffer(
              'GROUP',
              'bench',
              'one',
              'COUNT',
              concurrency,
              'BLOCK',
              1_000,
              'STREAMS',
              topic,
              '>',
            )) as [Buffer, [Buffer, Buffer[]][]][] | null
            await Promise.all((replies?.[0]?.[1] ?? []).map((entry) => handle(handler, entry)))
          }
        }
        void read().catch((error) => {
          if (isOpen) throw error
        })
      },
      async close() {
        isOpen = false
        reader.disconnect()
        await client.quit()
      },
    }
  }
