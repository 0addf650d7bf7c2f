import { type ConfirmChannel, connect, type GetMessage } from 'amqplib'

/** Works with the driver alone, as a program without this library does. */
export async function onRaw<T>(url: string, work: (channel: ConfirmChannel) => Promise<T>): Promise<T> {
  const connection = await connect(url, { noDelay: true })
  connection.on('error', () => undefined)
  try {
    const channel = await connection.createConfirmChannel()
    channel.on('error', () => undefined)
    const result = await work(channel)
    // A connection that closes drops everything that its channels have not written yet.
    await channel.close()
    return result
  } finally {
    await connection.close()
  }
}

/** Takes the first message out of a queue. */
export async function takeRaw(url: string, queue: string): Promise<GetMessage | false> {
  return onRaw(url, (channel) => channel.get(queue, { noAck: true }))
}
