import {
  type Adapter,
  type AdapterCapabilities,
  adapterState,
  closedError,
  type ForeignPlace,
  type GroupRef,
  isMqError,
  type MqError,
  type StoreOutcome,
} from '@mq/core/adapter'
import { createLinks } from './connection/links.js'
import { createConsumer, type SupervisedConsumer } from './consume/consumer.js'
import { openGate } from './consume/pause-gate.js'
import { deadLetterStore } from './dead-letters/store.js'
import { diagnose } from './diagnose/diagnose.js'
import { createInspection } from './management/inspect.js'
import { type RabbitmqOptions, type Settings, settingsOf } from './options.js'
import { createMarks } from './pausing/marks.js'
import { createPauses } from './pausing/pauses.js'
import { createCopier } from './publish/copies.js'
import { createLanes } from './publish/lanes.js'
import { createOutbox } from './publish/outbox.js'
import { createPublisher } from './publish/publisher.js'
import { createDeclarations } from './topology/declarations.js'
import { createDelayWatch, type DelayWatchParts } from './topology/delay-watch.js'
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
  return createRabbitmq(options)
}

/** Creates the adapter, whose watch over the delay queues may have other times than in production. */
export function createRabbitmq(
  options: RabbitmqOptions,
  watchTimes: Pick<DelayWatchParts, 'everyMs' | 'lateMs'> = {},
): Adapter {
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
  const connection = links.forRequests
  const marks = createMarks({
    names,
    connection,
    send: async (letter, timeoutMs) => (await outbox.send({ timeoutMs }, 1, () => letter))[0] as StoreOutcome,
  })
  const pauses = createPauses({ names, connection, marks })
  const groups = createGroups({ names, declarations, request: links.request, pausedOf: pauses.of })
  const laneOf = createLanes()
  const copy = createCopier({
    names,
    outbox,
    laneOf,
    hasQueue: groups.has,
    redeclareGroup: groups.declare,
    report: reportError,
  })
  const publish = createPublisher({ names, outbox, laneOf })
  const locks = createLocks()
  const link = links.consuming
  const delayWatch = createDelayWatch({
    ...watchTimes,
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
    advice,
    ...createInspection({ settings, names, request: links.request, paused: pauses.all }),
    async deleteGroup(ref) {
      await groups.delete(ref)
      await marks.resume(ref)
    },
    stats: groups.stats,
    async pauseGroup(ref, mark) {
      await groups.requireExisting(ref)
      await marks.pause(ref, mark)
      // Its deletion may have come in between, and has removed no mark then.
      await groups.requireExisting(ref).catch(async (error: unknown) => {
        if (isMqError(error, 'MQ_GROUP_MISSING')) await marks.resume(ref)
        throw error
      })
    },
    async resumeGroup(ref) {
      state.requireOpen()
      await marks.resume(ref)
    },
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
        gate: consumeOptions.ephemeral ? openGate : pauses.gate(ref),
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
      const maxStallMs = certainHeartbeats * settings.heartbeatSeconds * 1_000
      return { status, consumers: healths, maxStallMs, ...(state.lastError && { lastError: state.lastError }) }
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

/** The broker waits for two heartbeats at least. The last one may have been sent half of one ago. */
const certainHeartbeats = 1.5

const byManagement = "name the management API in the adapter's options, as in management: { url: 'http://host:15672' }"
const taking = 'AMQP shows a message only to a consumer that takes it, which would count and reorder what waits'

const advice: NonNullable<Adapter['advice']> = {
  listsTopics: byManagement,
  listsGroups: byManagement,
  listsWaiting: taking,
  listsInFlight: taking,
  removesWaiting: taking,
  runsNow: taking,
}

/** Leaves time to store a message for its retry, if its handler fails at the last moment. */
const handlerShare = 0.95

function capabilitiesOf(settings: Settings): AdapterCapabilities {
  const { maxMessageBytes, consumerTimeoutMs, heartbeatSeconds, management } = settings
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
    listsTopics: management !== undefined,
    listsGroups: management !== undefined,
    pausesGroups: true,
  })
}
