import { Redis } from 'ioredis'
import type { OpenSystem } from '../system.js'

/** Streams as fast as ioredis can: every command pipelined by itself, no envelope beyond an id and the body. */
export const open: OpenSystem = async ({ url, topic, concurrency }) => {
  const client = new Redis(url, { enableAutoPipelining: true })
  const reader = client.duplicate()
  await client.xgroup('CREATE', topic, 'bench', '$', 'MKSTREAM')
  let isOpen = true
  let published = 0

  const handle = async (handler: (body: Uint8Array) => void, [id, fields]: [Buffer, Buffer[]]): Promise<void> => {
    handler(fields[3] as Buffer)
    await client.xack(topic, 'bench', id)
  }
  return {
    async publish(body) {
      await client.xadd(
        topic,
        '*',
        'id',
        String(published++),
        'body',
        Buffer.from(body.buffer, body.byteOffset, body.length),
      )
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
