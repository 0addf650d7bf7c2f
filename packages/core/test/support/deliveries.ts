import { type Delivery, emptyHeaders, type Handle, lazyAbort, type Settlement } from '../../src/adapter.js'
import type { EventDefinition, Failure, Handler, Queue, RawMessage, SubscribeOptions } from '../../src/index.js'
import type { FakeAdapter } from './fake-adapter.js'

export const rawMessage = (changes: Partial<RawMessage> = {}): RawMessage => ({
  id: 'm-1',
  source: '/test',
  type: 'user.created',
  time: '2026-01-02T03:04:05.678Z',
  contentType: 'application/json',
  extensions: emptyHeaders,
  headers: emptyHeaders,
  body: Buffer.from('{"userId":"42"}'),
  ...changes,
})

export const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

export const failure = (changes: Partial<Failure> = {}): Failure => ({
  reason: 'error',
  error: { name: 'Error', message: 'broken' },
  attempts: 1,
  firstFailedAt: 1_000,
  failedAt: 2_000,
  ...changes,
})

export interface Delivered {
  readonly settlement: Promise<Settlement>
  /** As an adapter does that has lost the message. */
  abort(reason: unknown): void
}

export type DeliveryChanges = Partial<Omit<Delivery, 'message' | 'signal'>> & { readonly message?: Partial<RawMessage> }

export function deliver(handle: Handle, { message, ...changes }: DeliveryChanges = {}): Delivered {
  const lost = lazyAbort()
  const delivery: Delivery = {
    message: rawMessage(message),
    attempt: 1,
    get signal() {
      return lost.signal
    },
    ...changes,
  }
  return { settlement: handle(delivery), abort: (reason) => lost.abort(reason) }
}

/** Subscribes and returns what the adapter would call for a message. */
export async function handleOf(
  { queue, adapter }: { readonly queue: Queue; readonly adapter: FakeAdapter },
  handler: Handler,
  options: SubscribeOptions = {},
  target: string | EventDefinition = 'user.created',
): Promise<Handle> {
  const given = options.ephemeral === true ? options : { group: 'welcome', ...options }
  if (typeof target === 'string') await queue.subscribe(target, handler, given)
  else await queue.subscribe(target, handler, given)
  const consumer = adapter.consumers.at(-1)
  if (consumer === undefined) throw new Error('The adapter was not asked to consume')
  return consumer.handle
}
