import { randomUUID } from 'node:crypto'
import { type Delivery, emptyHeaders, type OutgoingMessage, type PublishCall, type Settlement } from '../../adapter.js'
import type { Adapter, Failure, GroupRef, RawMessage } from '../../index.js'

// Messages, calls and settlements as core passes them, for cases that use the adapter itself.

export function rawMessage(fields: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    id: randomUUID(),
    source: '/conformance',
    type: 'conformance',
    time: new Date().toISOString(),
    contentType: 'application/json',
    extensions: emptyHeaders,
    headers: emptyHeaders,
    body: Buffer.from('1'),
    ...fields,
  }
}

export const publishCall = (timeoutMs = 10_000): PublishCall => ({ timeoutMs, signal: AbortSignal.timeout(timeoutMs) })

export const done: Settlement = { kind: 'done' }
export const release: Settlement = { kind: 'release' }

export function failureOf(delivery: Delivery, text = 'broken on purpose'): Failure {
  const now = Date.now()
  return {
    reason: 'error',
    error: { name: 'Error', message: text },
    attempts: delivery.attempt,
    firstFailedAt: delivery.failure?.firstFailedAt ?? now,
    failedAt: now,
  }
}

export const consumeOptions = { concurrency: 10, ordered: false, ephemeral: false } as const

/** Starts a consumer on the adapter itself and returns its deliveries. Acknowledges every message by default. */
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

/** Returns every field of a message that has to arrive as it was sent, in a form that can be compared and printed. */
export function contentOf(message: RawMessage) {
  const { id, source, type, time, contentType, key, extensions, headers, body } = message
  const bytes = Buffer.from(body).toString('base64')
  return { id, source, type, time, contentType, key, extensions: { ...extensions }, headers: { ...headers }, bytes }
}
