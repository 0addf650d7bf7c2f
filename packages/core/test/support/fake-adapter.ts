import {
  type AdapterEvent,
  type AdapterHealth,
  type ConsumeOptions,
  type DeadLetterStore,
  defaultMaxMessageBytes,
  type Handle,
  type OutgoingMessage,
  type PublishCall,
  type StopOptions,
  type StoredStats,
  type StoreOutcome,
} from '../../src/adapter.js'
import type { Adapter, Capabilities, GroupRef, StartFrom } from '../../src/index.js'

/** What a test wants to be different. Everything that is left out succeeds at once and does nothing. */
export interface Behaviour {
  readonly capabilities?: Partial<Capabilities>
  readonly clock?: Adapter['clock']
  readonly foreignCapabilities?: Adapter['foreignCapabilities']
  readonly connect?: () => Promise<void>
  readonly disconnect?: (options: StopOptions) => Promise<void>
  readonly publish?: (messages: readonly OutgoingMessage[], call: PublishCall) => Promise<readonly StoreOutcome[]>
  readonly declareGroup?: (ref: GroupRef) => Promise<void>
  readonly deleteGroup?: (ref: GroupRef) => Promise<void>
  /** Awaited before the consumer is there. */
  readonly consume?: (ref: GroupRef) => Promise<void>
  readonly stop?: (options: StopOptions) => Promise<void>
  readonly stats?: (ref: GroupRef) => Promise<StoredStats>
  readonly health?: () => AdapterHealth
  readonly deadLetters?: Partial<DeadLetterStore>
}

export interface FakeConsumer {
  readonly ref: GroupRef
  readonly options: ConsumeOptions
  readonly handle: Handle
  /** The deadlines of the calls of `stop`. */
  readonly stops: number[]
}

export interface PublishRecord {
  readonly topic: string
  readonly messages: readonly OutgoingMessage[]
  readonly call: PublishCall
}

/** An adapter without a broker: it writes down what core asks of it, and a test decides how that ends. */
export interface FakeAdapter extends Adapter {
  /** The names of all calls but `on`, `health` and `deadLetters`, in order. */
  readonly calls: string[]
  readonly published: PublishRecord[]
  readonly declared: (GroupRef & { readonly startFrom: StartFrom })[]
  readonly consumers: FakeConsumer[]
  readonly disconnects: number[]
  emit(event: AdapterEvent): void
}

const capable: Capabilities = {
  durable: true,
  retainsUnrouted: true,
  startFromEarliest: true,
  orderedKeys: true,
  countsCrashes: true,
  exactAttempts: true,
  delayResolutionMs: 1,
  maxDelayMs: Number.POSITIVE_INFINITY,
  maxHandlerMs: Number.POSITIVE_INFINITY,
  maxMessageBytes: defaultMaxMessageBytes,
  publishDedupeMs: 0,
  embedded: true,
  redeliveryMs: 0,
  listsTopics: false,
  listsGroups: false,
  listsWaiting: false,
  listsInFlight: false,
  removesWaiting: false,
  runsNow: false,
  pausesGroups: false,
  joinsTransactions: false,
}

const nothing = async (): Promise<void> => {}

export function fakeAdapter(behaviour: Behaviour = {}): FakeAdapter {
  const listeners = new Set<(event: AdapterEvent) => void>()
  const calls: string[] = []
  const published: PublishRecord[] = []
  const declared: (GroupRef & { readonly startFrom: StartFrom })[] = []
  const consumers: FakeConsumer[] = []
  const disconnects: number[] = []
  return {
    name: 'fake',
    contract: 2,
    capabilities: { ...capable, ...behaviour.capabilities },
    ...(behaviour.clock && { clock: behaviour.clock }),
    ...(behaviour.foreignCapabilities && { foreignCapabilities: behaviour.foreignCapabilities }),
    calls,
    published,
    declared,
    consumers,
    disconnects,
    emit(event) {
      for (const listener of listeners) listener(event)
    },
    connect() {
      calls.push('connect')
      return (behaviour.connect ?? nothing)()
    },
    disconnect(options) {
      calls.push('disconnect')
      disconnects.push(options.timeoutMs)
      return (behaviour.disconnect ?? nothing)(options)
    },
    publish(topic, messages, call) {
      calls.push('publish')
      published.push({ topic, messages, call })
      return (behaviour.publish ?? storeAll)(messages, call)
    },
    declareGroup(ref, { startFrom }) {
      calls.push('declareGroup')
      declared.push({ ...ref, startFrom })
      return (behaviour.declareGroup ?? nothing)(ref)
    },
    deleteGroup(ref) {
      calls.push('deleteGroup')
      return (behaviour.deleteGroup ?? nothing)(ref)
    },
    async consume(ref, options, handle) {
      calls.push('consume')
      await (behaviour.consume ?? nothing)(ref)
      const consumer: FakeConsumer = { ref, options, handle, stops: [] }
      consumers.push(consumer)
      return {
        stop(deadline) {
          consumer.stops.push(deadline.timeoutMs)
          return (behaviour.stop ?? nothing)(deadline)
        },
      }
    },
    deadLetters: () => ({
      list: async () => [],
      replay: async () => 0,
      purge: async () => 0,
      ...behaviour.deadLetters,
    }),
    async stats(ref) {
      calls.push('stats')
      if (behaviour.stats) return behaviour.stats(ref)
      return { ready: 0, inFlight: 0, delayed: 0, dead: undefined }
    },
    health: behaviour.health ?? (() => ({ status: 'up', consumers: [] })),
    on(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

export const stored: StoreOutcome = { status: 'stored', routed: 'yes' }

export const storeAll = async (messages: readonly OutgoingMessage[]): Promise<readonly StoreOutcome[]> =>
  messages.map(() => stored)

/** A promise that nobody settles. */
export const never = <T = void>(): Promise<T> => new Promise<T>(() => {})
