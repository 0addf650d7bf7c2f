import { MqError, withTimeout } from '@mq/core/adapter'
import type { ChannelModel } from 'amqplib'

/** How long a close may take. Without a limit amqplib waits forever if the peer is gone. */
const closeTimeoutMs = 1_000

const destroyed = new WeakSet<ChannelModel>()

/** Closes the socket without asking the peer. */
export function destroy(connection: ChannelModel): void {
  if (destroyed.has(connection)) return
  destroyed.add(connection)
  connection.on('error', () => undefined)
  const { stream } = connection.connection as unknown as { stream?: { destroy?: (error: Error) => void } }
  // Without an error the driver would not notice that its socket is destroyed.
  stream?.destroy?.(new Error('The connection was given up'))
}

/** Closes the connection, waits briefly for the broker's answer, then destroys it. Never rejects. */
export async function closeConnection(connection: ChannelModel, timeoutMs: number): Promise<void> {
  await politely(() => connection.close(), timeoutMs)
  destroy(connection)
}

/** Does something that may fail without harm, and waits a second for it at most. Never rejects; resolves with false if it failed. */
export async function politely(start: () => Promise<unknown>, timeoutMs = closeTimeoutMs): Promise<boolean> {
  try {
    await withTimeout(start(), Math.min(timeoutMs, closeTimeoutMs), () => new MqError('MQ_TIMEOUT', 'No answer'))
    return true
  } catch {
    // It has closed already, or the peer does not answer.
    return false
  }
}
