import type { Message } from '@mq/core'
import {
  type Adapter,
  adapterState,
  type Capabilities,
  decodedOrUndefined,
  type Failure,
  type GroupRef,
  MqError,
  type Settlement,
  type StoreOutcome,
  unknownStats,
} from '@mq/core/adapter'
import type { Broker, HandledRecord } from './broker.js'
import { GroupConsumer } from './consumer.js'
import { type IdleOptions, type SettledOptions, untilIdle, untilQuiet } from './idle.js'
import { consumingOrPaused, deadNumberOf, inspectionOf, statsOf } from './inspect.js'
import { brokerFor, type MemoryOptions, settingsOf } from './options.js'

/** An adapter whose broker is in this process. A test can ask it what happened. */
export interface MemoryAdapter extends Adapter {
  /**
   * Resolves when nothing is being handled, ready for a consumer, or delayed any more. A test clock is moved on from one due time
   * to the next; with the real clock it waits. Rejects with `MQ_TIMEOUT` after 10 s of real time, or `timeoutMs`.
   *
   * A schedule always has a next tick that is delayed: pass `except: isTickAhead` of `@mq/memory/testing`, or use its `testBench`.
   */
  settled(options?: SettledOptions): Promise<void>
  /** Does the same, but delayed messages stay delayed. */
  idle(options?: IdleOptions): Promise<void>
  /** Returns the runs that have ended, the oldest first. Keeps the latest 1,000, up to 16 MiB. */
  handled(filter?: Partial<GroupRef>): readonly HandledMessage[]
}

/** One run of a handler. */
export interface HandledMessage extends GroupRef, Pick<Message, 'id' | 'data' | 'key' | 'headers' | 'attempt'> {
  readonly settlement: Settlement['kind']
  /** The delay before the next attempt. Only with the settlement `retry`. */
  readonly delayMs?: number
  readonly failure?: Failure
}

/**
 * Creates the embedded adapter. Everything it holds is gone with its process.
 * Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`.
 */
export function memory(options: MemoryOptions = {}): MemoryAdapter {
  const settings = settingsOf(options)
  const broker = brokerFor(settings)
  const state = adapterState()
  const consumers = new Set<GroupConsumer>()

  return {
    name: 'memory',
    contract: 2,
    capabilities: capabilitiesOf(settings.maxMessageBytes, settings.dedupeMs),
    clock: broker.clock,
    async connect() {
      state.refuseClosed()
      if (state.phase === 'new') broker.connect()
      state.markOpen()
    },
    async disconnect({ timeoutMs }) {
      await Promise.all([...consumers].map((consumer) => consumer.stop({ timeoutMs })))
      if (state.phase === 'open') broker.disconnect()
      state.markClosed()
    },
    async publish(topic, messages) {
      state.requireOpen()
      return messages.map((message) => outcomeOf(broker.publish(topic, message)))
    },
    async declareGroup(ref, { startFrom }) {
      state.requireOpen()
      broker.declare(ref, startFrom)
    },
    async deleteGroup(ref) {
      state.requireOpen()
      broker.delete(ref)
    },
    async consume(ref, consumeOptions, handle) {
      state.requireOpen()
      const group = consumeOptions.ephemeral ? broker.openEphemeral(ref) : declared(broker, ref)
      const record = (entry: HandledRecord['entry'], settlement: Settlement): void =>
        broker.handled.add({ ref, entry, settlement }, entry.message.body.byteLength)
      const consumer = new GroupConsumer(group, consumeOptions, handle, { report: state.report, settled: record })
      consumers.add(consumer)
      group.attach(consumer)
      return {
        async stop(stopOptions) {
          await consumer.stop(stopOptions)
          consumers.delete(consumer)
        },
      }
    },
    deadLetters: (ref) => ({
      list: async ({ limit }) => broker.find(ref)?.listDead(limit) ?? [],
      page: async ({ limit, after = '0' }) =>
        broker.find(ref)?.pageDead({ limit, after: deadNumberOf(after) }) ?? { items: [] },
      replay: async (entryIds) => broker.find(ref)?.replay(entryIds) ?? 0,
      purge: async (entryIds) => broker.find(ref)?.purge(entryIds) ?? 0,
    }),
    async stats(ref) {
      const group = broker.find(ref)
      return group === undefined ? unknownStats : statsOf(group, broker)
    },
    health: () => ({
      status: state.phase === 'open' ? 'up' : 'down',
      consumers: [...consumers].map(({ group, isStopping }) => ({
        ...group.ref,
        ...(isStopping ? { status: 'stopping' } : consumingOrPaused(group)),
      })),
      ...(state.lastError && { lastError: state.lastError }),
    }),
    on: state.on,
    ...inspectionOf(broker, state),
    settled: (settledOptions) => untilQuiet(broker, settledOptions),
    idle: (idleOptions) => untilIdle(broker, idleOptions),
    handled: (filter = {}) => [...broker.handled].filter((record) => isOf(record, filter)).map(handledMessage),
  }
}

/** One process promises everything but durability. */
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
    listsTopics: true,
    listsGroups: true,
    listsWaiting: true,
    listsInFlight: true,
    removesWaiting: true,
    runsNow: true,
    pausesGroups: true,
    joinsTransactions: false,
  })
}

/** Returns the group that `consume` is called for. It was declared; if it has been deleted since, it begins again. */
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
  const { id, key, headers } = entry.message
  return {
    ...ref,
    id,
    key,
    headers,
    data: decodedOrUndefined(entry.message),
    attempt: entry.attempt,
    settlement: settlement.kind,
    ...(settlement.kind === 'retry' && { delayMs: settlement.delayMs }),
    ...('failure' in settlement && { failure: settlement.failure }),
  }
}
