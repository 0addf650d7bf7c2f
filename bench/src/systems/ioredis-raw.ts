import { Redis } from 'ioredis'
import type { OpenSystem } from '../system.js'
import { attributesOf, contentType } from './attributes.js'

/** Uses streams as fast as ioredis can, with automatic pipelining and with the fields that ours writes. */
export const open: OpenSystem = async ({ url, topic, concurrency }) => {
  const client = new Redis(url, { enableAutoPipelining: true })
  const reader = client.duplicate()
  await client.xgroup('CREATE', topic, 'bench', '$', 'MKSTREAM')
  let isOpen = true

  const handle = async (handler: (body: Uint8Array) => void, [id, fields]: [Buffer, Buffer[]]): Promise<void> => {
    handler(fields.at(-1) as Buffer)
    await client.xack(topic, 'bench', id)
  }
  return {
    async publish(body) {
      const attributes = Object.entries({ ...attributesOf(topic), datacontenttype: contentType }).flat()
      const data = Buffer.from(body.buffer, body.byteOffset, body.length)
      await client.xadd(topic, '*', ...attributes, 'data', data)
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
