import type { Adapter, Delivery, Settlement, Source } from '../../contract/adapter.js'
import type { RawMessage } from '../../contract/message.js'
import { consumeOptions, done } from './raw.js'

/** A consumer on the adapter itself that remembers what it was handed. Everything is acknowledged by default. */
export async function consumeRaw(
  adapter: Adapter,
  source: Source,
  settle: (delivery: Delivery) => Settlement = () => done,
): Promise<readonly Delivery[]> {
  const deliveries: Delivery[] = []
  await adapter.declareGroup(source, { startFrom: 'latest' })
  await adapter.consume(source, consumeOptions, async (delivery) => {
    deliveries.push(delivery)
    return settle(delivery)
  })
  return deliveries
}

/** Everything about a message that has to arrive as it was sent, in a form that can be compared and printed. */
export function contentOf(message: RawMessage) {
  const { id, source, type, time, contentType, key, extensions, headers, body } = message
  const bytes = Buffer.from(body).toString('base64')
  return { id, source, type, time, contentType, key, extensions: { ...extensions }, headers: { ...headers }, bytes }
}
