import { randomUUID } from 'node:crypto'
import { type Delivery, emptyHeaders, type OutgoingMessage, type PublishCall, type Settlement } from '../../adapter.js'
import type { Failure } from '../../index.js'

// What core hands to an adapter and what it answers, for cases that speak to the adapter itself.

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
