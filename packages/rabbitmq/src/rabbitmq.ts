import {
  type Adapter,
  type AdapterCapabilities,
  adapterState,
  closedError,
  type ForeignPlace,
  type GroupRef,
  type MqError,
} from '@mq/core/adapter'
import { createLinks } from './connection/links.js'
import { createConsumer, type SupervisedConsumer } from './consume/consumer.js'
import { deadLetterStore } from './dead-letters/store.js'
import { diagnose } from './diagnose/diagnose.js'
import { type RabbitmqOptions, type Settings, settingsOf } from './options.js'
import { createCopier } from './publish/copies.js'
import { createLanes } from './publish/lanes.js'
import { createOutbox } from './publish/outbox.js'
import { createPublisher } from './publish/publisher.js'
import { createDeclarations } from './topology/declarations.js'
import { createDelayWatch } from './topology/delay-watch.js'
import { maxDelayMs } from './topology/delays.js'
import { requireRabbitmqPlace } from './topology/foreign.js'
import { createGroups } from './topology/groups.js'
import { createLocks } from './topology/locks.js'
import { namespaceFor } from './topology/names.js'

/** The time that closing the connections may take even if nothing is left of the time limit. */
const minCloseMs = 200

/** How long a diagnosis waits for a connection that is lost. */
const diagnoseTimeoutMs = 10_000

/**
 * Creates the adapter for RabbitMQ 3.10 and later.
 *
 * Throws a `TypeError`, `MQ_INVALID_URL`, `MQ_INVALID_NAME` or `MQ_INVALID_OPTION`.
 */
export function rabbitmq(options: RabbitmqOptions = {}): Adapter {
  const settings = settingsOf(options)
  const { queueArguments, consumerTimeoutMs } = settings
  const names = namespaceFor(settings.prefix)
  const state = adapterState()
  const reportError = (error: MqError, ref?: GroupRef): void =>
    state.report({ type: 'error', error, ...(ref && { topic: ref.topic, group: ref.group }) })
  const declarations = createDeclarations({ names, queueArguments })
  const outbox = createOutbox(declarations, reportError)
  const links = createLinks(settings, state, {
    onUp: outbox.onConnectionUp,
    onDown: outbox.onConnectionDown,
  })
  const groups = createGroups({ names, declarations, request: links.request })
  const laneOf = createLanes()
  const copy = createCopier({ names, outbox, laneOf, redeclareGroup: groups.declare, report: reportError })
  const publish = createPublisher({ names, outbox, laneOf })
  const locks = createLocks()
  const link = links.consuming
  const delayWatch = createDelayWatch({
    names,
    used: () => declarations.delays,
    onMissing: declarations.reset,
    connection: () => links.publishing.connection,
    report: reportError,
  })
  const consumers = new Set<SupervisedConsumer>()
  let disconnected: Promise<void> | undefined

  async function disconnect(timeoutMs: number): Promise<void> {
    delayWatch.stop()
    const endsAt = performance.now() + timeoutMs
    const leftMs = (): number => Math.max(0, endsAt - performance.now())
    await Promise.all([...consumers].map((consumer) => consumer.stop({ timeoutMs })))
    await outbox.close(leftMs())
    state.markClosed()
    await links.close(Math.max(minCloseMs, leftMs()))
  }

  return {
    name: 'rabbitmq',
    contract: 2,
    capabilities: capabilitiesOf(settings),
    foreignCapabilities,
    async connect() {
      if (disconnected !== undefined) throw closedError()
      await links.publishing.open()
      state.markOpen()
      delayWatch.start()
    },
    disconnect({ timeoutMs }) {
      disconnected ??= disconnect(timeoutMs)
      return disconnected
    },
    async publish(topic, messages, call) {
      state.requireOpen()
      return publish(topic, messages, call)
    },
    declareGroup: groups.declare,
    deleteGroup: groups.delete,
    stats: groups.stats,
    async consume(ref, consumeOptions, handle) {
      state.requireOpen()
      const consumer = createConsumer({
        ref,
        options: consumeOptions,
        handle,
        link,
        vhost: settings.vhost,
        names,
        declarations,
        copy,
        locks,
        report: state.report,
        consumerTimeoutMs,
      })
      consumers.add(consumer)
      await consumer.ready.catch((error) => {
        consumers.delete(consumer)
        throw error
      })
      return {
        async stop(stopOptions) {
          await consumer.stop(stopOptions)
          consumers.delete(consumer)
        },
      }
    },
    deadLetters: (ref) => deadLetterStore({ ref, names, link, copy, report: reportError }),
    health() {
      const healths = [...consumers].map((consumer) => consumer.health)
      const isDegraded = delayWatch.isLate || healths.some(({ status }) => status === 'recovering')
      const status = links.status === 'up' && isDegraded ? 'degraded' : links.status
      return { status, consumers: healths, ...(state.lastError && { lastError: state.lastError }) }
    },
    on: state.on,
    async diagnose() {
      state.requireOpen()
      const connection = await links.publishing.ready(diagnoseTimeoutMs)
      return await diagnose({ settings, request: links.request, connection })
    },
  }
}

/** An exchange feeds a queue of ours. A queue of other programs may be a classic one, which does not count its deliveries. */
function foreignCapabilities(at: ForeignPlace): Partial<AdapterCapabilities> {
  return typeof requireRabbitmqPlace(at) === 'string' ? { orderedKeys: false, countsCrashes: false } : {}
}

/**
 * If a machine dies silently, the broker notices it after this many heartbeats at the latest. See
 * docs/decisions/0036-rabbitmq-heartbeats.md.
 */
const maxSilentHeartbeats = 3

/** Leaves time to store a message for its retry, if its handler fails at the last moment. */
const handlerShare = 0.95

function capabilitiesOf({ maxMessageBytes, consumerTimeoutMs, heartbeatSeconds }: Settings): AdapterCapabilities {
  return Object.freeze({
    durable: true,
    embedded: false,
    retainsUnrouted: false,
    startFromEarliest: false,
    orderedKeys: true,
    countsCrashes: true,
    exactAttempts: false,
    delayResolutionMs: 250,
    maxDelayMs,
    maxHandlerMs: Math.floor(consumerTimeoutMs * handlerShare),
    maxMessageBytes,
    publishDedupeMs: 0,
    redeliveryMs: maxSilentHeartbeats * heartbeatSeconds * 1_000,
  })
}
