import type { ChannelModel } from 'amqplib'

interface Corkable {
  write(chunk: Uint8Array): boolean
  cork(): void
  uncork(): void
}

const isCorkable = (stream: unknown): stream is Corkable =>
  typeof stream === 'object' && stream !== null && 'cork' in stream && 'uncork' in stream && 'write' in stream

/**
 * Sends what the driver writes in one turn with one system call. It writes each message and each acknowledgement by itself,
 * and at thousands a second those calls are most of what a client costs.
 */
export function coalesceWrites(connection: ChannelModel): void {
  const { stream } = connection.connection as unknown as { stream?: unknown }
  if (!isCorkable(stream)) return
  const write = stream.write.bind(stream)
  let isCorked = false
  const uncork = (): void => {
    isCorked = false
    stream.uncork()
  }
  stream.write = (chunk) => {
    if (!isCorked) {
      isCorked = true
      stream.cork()
      process.nextTick(uncork)
    }
    return write(chunk)
  }
}
