import type { Delivery, Settlement } from '../../adapter.js'
import type { Adapter, GroupRef, RawMessage } from '../../index.js'
import { consumeOptions, done } from './raw.js'

/** A consumer on the adapter itself that remembers what it was handed. Everything is acknowledged by default. */
export async function consumeRaw(
  adapter: Adapter,
  ref: GroupRef,
  settle: (delivery: Delivery) => Settlement = () => done,
): Promise<readonly Delivery[]> {
  const deliveries: Delivery[] = []
  await adapter.declareGroup(ref, { startFrom: 'latest' })
  await adapter.consume(ref, consumeOptions, async (delivery) => {
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
