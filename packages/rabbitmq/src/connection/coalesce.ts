import type { ChannelModel } from 'amqplib'

// See docs/decisions/0032-rabbitmq-connections.md.

interface Corkable {
  write(chunk: Uint8Array): boolean
  cork(): void
  uncork(): void
}

const isCorkable = (stream: unknown): stream is Corkable =>
  typeof stream === 'object' && stream !== null && 'cork' in stream && 'uncork' in stream && 'write' in stream

/**
 * Sends everything that the driver writes in one turn with one system call. The driver writes each message and each acknowledgement
 * separately. At thousands of messages a second, those calls are most of a client's cost.
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
