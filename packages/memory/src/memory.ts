import type { Message } from '@mq/core'
import {
  type Adapter,
  type AdapterEvent,
  type Capabilities,
  decodeData,
  type Failure,
  type GroupRef,
  MqError,
  type Settlement,
  type StoreOutcome,
} from '@mq/core/adapter'
import type { Broker, HandledRecord } from './broker.js'
import { GroupConsumer } from './consumer.js'
import { brokerFor, type MemoryOptions, settingsOf } from './options.js'
import { idle, type SettleOptions, settled } from './settle.js'

/** An adapter whose broker is in this process, and which a test can ask what happened. */
export interface MemoryAdapter extends Adapter {
  /**
   * Resolves when nothing is being handled, ready for a consumer, or delayed any more. With a test clock the time moves on by
   * itself; with the real one it waits. Rejects with `MQ_TIMEOUT` after 10 s of real time, or `timeoutMs`.
   */
  settled(options?: SettleOptions): Promise<void>
  /** As `settled`, but what is delayed stays delayed. */
  idle(options?: SettleOptions): Promise<void>
  /** The runs that have ended, the oldest first: the latest 1,000 of at most 16 MiB. */
  handled(filter?: Partial<GroupRef>): readonly HandledMessage[]
}

/** One run of a handler. */
export interface HandledMessage extends GroupRef, Pick<Message, 'id' | 'data' | 'key' | 'headers' | 'attempt'> {
  readonly settlement: Settlement['kind']
  /** Before the next attempt. */
  readonly delayMs?: number
  readonly failure?: Failure
}

/**
 * The embedded adapter. Everything it holds is gone with its process.
 * Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`.
 */
export function memory(options: MemoryOptions = {}): MemoryAdapter {
  const settings = settingsOf(options)
  const broker = brokerFor(settings)
  const listeners = new Set<(event: AdapterEvent) => void>()
  const consumers = new Set<GroupConsumer>()
  let state: 'new' | 'open' | 'closed' = 'new'
  let lastError: MqError | undefined

  const report = (event: AdapterEvent): void => {
    if (event.type === 'error') lastError = event.error
    for (const listener of listeners) listener(event)
  }
  const requireOpen = (): void => {
    if (state === 'new') throw new MqError('MQ_NOT_CONNECTED', 'The adapter is not connected')
    if (state === 'closed') throw new MqError('MQ_CLOSED', 'The adapter was disconnected')
  }

  return {
    name: 'memory',
    contract: 2,
    capabilities: capabilitiesOf(settings.maxMessageBytes, settings.dedupeMs),
    clock: broker.clock,
    async connect() {
      if (state === 'closed') requireOpen()
      if (state === 'new') broker.connect()
      state = 'open'
    },
    async disconnect({ timeoutMs }) {
      await Promise.all([...consumers].map((consumer) => consumer.stop({ timeoutMs })))
      if (state === 'open') broker.disconnect()
      state = 'closed'
    },
    async publish(topic, messages) {
      requireOpen()
      return messages.map((message) => outcomeOf(broker.publish(topic, message)))
    },
    async declareGroup(ref, { startFrom }) {
      requireOpen()
      broker.declare(ref, startFrom)
    },
    async deleteGroup(ref) {
      requireOpen()
      broker.delete(ref)
    },
    async consume(ref, consumeOptions, handle) {
      requireOpen()
      const group = consumeOptions.ephemeral ? broker.openEphemeral(ref) : declared(broker, ref)
      const record = (entry: HandledRecord['entry'], settlement: Settlement): void =>
        broker.handled.add({ ref, entry, settlement }, entry.message.body.byteLength)
      const consumer = new GroupConsumer(group, consumeOptions, handle, { report, settled: record })
      consumers.add(consumer)
      group.attach(consumer)
      return {
        async stop(deadline) {
          await consumer.stop(deadline)
          consumers.delete(consumer)
        },
      }
    },
    deadLetters: (ref) => ({
      list: async ({ limit }) => broker.find(ref)?.listDead(limit) ?? [],
      replay: async (entryIds) => broker.find(ref)?.replay(entryIds) ?? 0,
      purge: async (entryIds) => broker.find(ref)?.purge(entryIds) ?? 0,
    }),
    async stats(ref) {
      const group = broker.find(ref)
      const delayed = broker.delayedOf(ref.topic) + (group?.delayed ?? 0)
      return { ready: group?.ready ?? 0, inFlight: group?.inFlight ?? 0, delayed, dead: group?.dead ?? 0 }
    },
    health: () => ({
      status: state === 'open' ? 'up' : 'down',
      consumers: [...consumers].map(({ group, isStopping }) => ({
        ...group.ref,
        status: isStopping ? 'stopping' : 'consuming',
      })),
      ...(lastError && { lastError }),
    }),
    on(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    settled: (settleOptions) => settled(broker, settleOptions),
    idle: (settleOptions) => idle(broker, settleOptions),
    handled: (filter = {}) => [...broker.handled].filter((record) => isOf(record, filter)).map(handledMessage),
  }
}

/** What a real broker calls durable, a process cannot be; the rest is what one process can promise. */
function capabilitiesOf(maxMessageBytes: number, publishDedupeMs: number): Capabilities {
  return Object.freeze({
    durable: false,
    embedded: true,
    retainsUnrouted: true,
    startFromEarliest: true,
    orderedKeys: true,
    countsCrashes: false,
    exactAttempts: true,
    delayResolutionMs: 50,
    maxDelayMs: 365 * 24 * 60 * 60 * 1000,
    maxHandlerMs: Number.POSITIVE_INFINITY,
    maxMessageBytes,
    publishDedupeMs,
    redeliveryMs: 100,
  })
}

/** The group that `consume` is called for was declared; if it was deleted since, it begins anew. */
function declared(broker: Broker, ref: GroupRef) {
  broker.declare(ref, 'latest')
  const group = broker.find(ref)
  if (group === undefined) throw new MqError('MQ_OPERATION_FAILED', `The group '${ref.group}' cannot be made`)
  return group
}

function outcomeOf(routed: StoreOutcome['routed'] | undefined): StoreOutcome {
  if (routed !== undefined) return { status: 'stored', routed }
  const text = 'The embedded broker is full: consume or delete what it holds, or raise maxMessages or maxBytes'
  return { status: 'rejected', routed: 'no', error: new MqError('MQ_PUBLISH_REJECTED', text) }
}

const isOf = ({ ref }: HandledRecord, filter: Partial<GroupRef>): boolean =>
  (filter.topic ?? ref.topic) === ref.topic && (filter.group ?? ref.group) === ref.group

function handledMessage({ ref, entry, settlement }: HandledRecord): HandledMessage {
  const { id, key, headers, body, contentType } = entry.message
  return {
    ...ref,
    id,
    key,
    headers,
    data: decodedOrUndefined(body, contentType),
    attempt: entry.attempt,
    settlement: settlement.kind,
    ...(settlement.kind === 'retry' && { delayMs: settlement.delayMs }),
    ...('failure' in settlement && { failure: settlement.failure }),
  }
}

function decodedOrUndefined(body: Uint8Array, contentType: string | undefined): unknown {
  try {
    return decodeData(body, contentType)
  } catch {
    return undefined
  }
}
