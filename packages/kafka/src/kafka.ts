import {
  type Adapter,
  type AdapterEvent,
  type Capabilities,
  isMqError,
  MqError,
  type OutgoingMessage,
  type PublishCall,
  type StoreOutcome,
  withTimeout,
} from '@mq/core/adapter'
import { createLink, type Link } from './connection/link.js'
import { createConsumers } from './consume/consumers.js'
import { statsOf } from './consume/stats.js'
import { createDeadLetters } from './dead-letters.js'
import { clientConfig, defaultClient } from './driver/client.js'
import { Cluster } from './driver/cluster.js'
import { asMqError, isAuthError, isTlsError } from './driver/errors.js'
import { type KafkaOptions, type Settings, settingsOf } from './options.js'
import { createOutbox } from './publish/outbox.js'
import { createGroups } from './topology/groups.js'
import { createNames } from './topology/names.js'
import { maxDelayMs } from './topology/tiers.js'
import { createTopology } from './topology/topology.js'
import { encodeOutgoing } from './wire/encode.js'

/**
 * The Kafka adapter.
 * Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`.
 */
export function kafka(options: KafkaOptions): Adapter {
  const settings = settingsOf(options)
  const client = (settings.createClient ?? defaultClient)(clientConfig(settings))
  const listeners = new Set<(event: AdapterEvent) => void>()
  let state: 'new' | 'open' | 'closed' = 'new'
  let lastError: MqError | undefined

  const report = (event: AdapterEvent): void => {
    if ('error' in event && event.error !== undefined) lastError = event.error
    for (const listener of listeners) listener(event)
  }
  const openCluster = (lost?: (error: Error) => void): Cluster =>
    new Cluster({ ...settings, client, ...(lost && { lost }) })
  const link = createLink(openCluster, report)
  const { cluster } = link
  const names = createNames(settings.prefix)
  const admin = openCluster()
  const topology = createTopology({ cluster, admin, names, settings })
  const outbox = createOutbox({ ...settings, cluster, topology })
  const groups = createGroups({ ...settings, cluster, topology, names, outbox })
  const context = { settings, names, topology, outbox, openCluster: () => openCluster(), report }
  const consumers = createConsumers({ ...context, groups })

  const requireOpen = (): void => {
    if (state === 'new') throw new MqError('MQ_NOT_CONNECTED', 'The adapter is not connected')
    if (state === 'closed') throw new MqError('MQ_CLOSED', 'The adapter was disconnected')
  }
  /** Whatever is asked of the broker, with an error that says what it was. */
  const asked = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    requireOpen()
    try {
      return await work()
    } catch (error) {
      throw asMqError(error, what)
    }
  }

  return {
    name: 'kafka',
    contract: 2,
    capabilities: capabilitiesOf(settings),
    async connect() {
      if (state === 'closed') requireOpen()
      if (state === 'open') return
      await connectWithin(settings, link)
      state = 'open'
    },
    async disconnect({ timeoutMs }) {
      const endsAt = Date.now() + timeoutMs
      await consumers.stopAll(timeoutMs)
      await outbox.close(Math.max(0, endsAt - Date.now()))
      link.close()
      admin.close()
      state = 'closed'
    },
    async publish(topic, messages, call) {
      requireOpen()
      return await publish(topic, messages, call)
    },
    declareGroup: (ref, { startFrom }) =>
      asked(`The group '${ref.group}' cannot be declared`, () => groups.declare(ref, { startFrom })),
    deleteGroup: (ref) => asked(`The group '${ref.group}' cannot be deleted`, () => consumers.deleteGroup(ref)),
    consume: (ref, consumeOptions, handle) =>
      asked(`'${ref.topic}' cannot be consumed`, () => consumers.consume(ref, consumeOptions, handle)),
    deadLetters(ref) {
      const { store } = createDeadLetters({ cluster, topology, outbox }, ref)
      const what = `The dead letters of '${ref.group}' cannot be read`
      return {
        list: (given) => asked(what, () => store.list(given)),
        replay: (entryIds) => asked(what, () => store.replay(entryIds)),
        purge: (entryIds) => asked(what, () => store.purge(entryIds)),
      }
    },
    stats: (ref) =>
      asked(`The state of '${ref.group}' cannot be read`, () => {
        const { count } = createDeadLetters({ cluster, topology, outbox }, ref)
        return statsOf(ref, { cluster, topology, names, countDead: count })
      }),
    health() {
      const health = consumers.health()
      const isDegraded = health.some(({ status }) => status === 'recovering')
      const status = link.isUp ? (isDegraded ? 'degraded' : 'up') : 'down'
      return { status, consumers: health, ...(lastError && { lastError }) }
    },
    on(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }

  async function publish(
    topic: string,
    messages: readonly OutgoingMessage[],
    call: PublishCall,
  ): Promise<readonly StoreOutcome[]> {
    const { main, delay } = topology.topicsOf
    const isDelayed = ({ delayMs = 0 }: OutgoingMessage): boolean => delayMs > 0
    const send = (to: string, some: readonly OutgoingMessage[]): Promise<readonly StoreOutcome[]> =>
      outbox.send(to, some.map(encodeOutgoing), call)
    if (!messages.some(isDelayed)) return await send(main(topic), messages)
    if (messages.every(isDelayed)) return await send(delay(topic), messages)
    const [prompt, delayed] = await Promise.all([
      send(
        main(topic),
        messages.filter((message) => !isDelayed(message)),
      ),
      send(delay(topic), messages.filter(isDelayed)),
    ])
    const next = { prompt: prompt[Symbol.iterator](), delayed: delayed[Symbol.iterator]() }
    return messages.map((message) => (isDelayed(message) ? next.delayed : next.prompt).next().value as StoreOutcome)
  }
}

async function connectWithin(settings: Settings, link: Link): Promise<void> {
  const where = settings.brokers.join(', ')
  const { connectTimeoutMs } = settings
  const late = (): MqError =>
    new MqError('MQ_CONNECT_TIMEOUT', `Kafka at ${where} did not answer within ${connectTimeoutMs} ms`)
  try {
    await withTimeout(link.open(), connectTimeoutMs, late)
  } catch (error) {
    link.giveUp()
    if (isAuthError(error) || isTlsError(error)) throw asMqError(error, `Kafka at ${where} refused the connection`)
    if (isMqError(error)) throw error
    const cause = (error as Error).cause ?? error
    throw new MqError('MQ_CONNECT_FAILED', `Kafka at ${where} cannot be reached: ${(cause as Error).message}`, {
      cause,
    })
  }
}

function capabilitiesOf({ maxMessageBytes, sessionTimeoutMs }: Settings): Capabilities {
  return Object.freeze({
    durable: true,
    embedded: false,
    retainsUnrouted: true,
    startFromEarliest: true,
    orderedKeys: true,
    countsCrashes: false,
    exactAttempts: true,
    delayResolutionMs: 500,
    maxDelayMs,
    maxHandlerMs: Number.POSITIVE_INFINITY,
    maxMessageBytes,
    publishDedupeMs: 0,
    // The session ends, then the others are told by their next heartbeat.
    redeliveryMs: sessionTimeoutMs + 5_000,
  })
}
