import { randomUUID } from 'node:crypto'
import { type Channel, type ChannelModel, connect } from 'amqplib'
import type { RabbitServer, Server } from '../../src/index.js'
import { type Driver, payload } from './driver.js'

export async function connectRabbit(url: string, { ca }: { ca?: string | undefined } = {}): Promise<ChannelModel> {
  const authority = ca === undefined ? {} : { ca: [ca] }
  const connection = await connect(url, { noDelay: true, timeout: 3_000, ...authority })
  connection.on('error', () => undefined)
  return connection
}

/** Uses one durable queue, whose messages are persistent and confirmed. */
export async function rabbitDriver(server: RabbitServer): Promise<Driver> {
  const queue = `writes.${randomUUID()}`
  const ask = async <T>(question: (channel: Channel) => Promise<T>): Promise<T> => {
    const connection = await connectRabbit(server.url)
    try {
      return await question(await connection.createChannel())
    } finally {
      await connection.close()
    }
  }
  await ask((channel) => channel.assertQueue(queue, { durable: true }))
  return {
    async open(at: Pick<Server, 'url'>) {
      const connection = await connectRabbit(at.url)
      const channel = await connection.createConfirmChannel()
      channel.on('error', () => undefined)
      return {
        write: (messageId, bytes = 10) =>
          new Promise<void>((resolve, reject) => {
            const content = Buffer.from(payload(bytes))
            channel.sendToQueue(queue, content, { messageId, persistent: true }, (error) =>
              error ? reject(error as Error) : resolve(),
            )
          }),
        close: async () => destroy(connection),
      }
    },
    count: async () => (await ask((channel) => channel.checkQueue(queue))).messageCount,
    async ids() {
      return await ask(async (channel) => {
        const ids = new Set<string>()
        // The messages stay unacknowledged, so that all are back when the channel has closed.
        for (;;) {
          const message = await channel.get(queue)
          if (message === false) return ids
          ids.add(String(message.properties.messageId))
        }
      })
    },
    close: async () => undefined,
  }
}

/** Destroys the socket, because an orderly close would wait for an answer that a cut or frozen link never brings. */
export function destroy(connection: ChannelModel): void {
  const { stream } = connection.connection as unknown as { stream: { destroy(): void } }
  stream.destroy()
}
