import {
  type Adapter,
  type AdapterCapabilities,
  adapterState,
  closedError,
  type ForeignPlace,
  MqError,
  notConnectedError,
} from '@mq/core/adapter'
import { type Connections, openConnections } from './connection/open.js'
import { maxStallMs } from './consume/claims.js'
import { startEphemeralConsumer } from './consume/ephemeral-consumer.js'
import { startGroupConsumer } from './consume/group-consumer.js'
import { groupOperations } from './consume/groups.js'
import type { RunningConsumer } from './consume/running-consumer.js'
import { type Common, createCommon } from './consume/shared/common.js'
import { deadLetterStore } from './dead-letters.js'
import { diagnose } from './diagnose.js'
import { inspectionOf } from './inspect/inspect.js'
import { type RedisOptions, type Settings, settingsOf } from './options.js'
import { createPublisher, type Publisher } from './publish/publisher.js'
import { foreignStream, hashTagOf } from './wire/foreign-topic.js'
import { placeOf } from './wire/keys.js'

/** An open adapter: its connections, and the publisher that uses them. */
interface Opened extends Connections {
  readonly publisher: Publisher
  /** The parts that all consumers share. */
  readonly common: Common
}

/**
 * Creates an adapter for Redis 7.0 and newer, and for Valkey. It is not connected yet. Throws a `TypeError`, `MQ_INVALID_URL` or
 * `MQ_INVALID_OPTION`.
 */
export function redis(options: RedisOptions = {}): Adapter {
  const settings = settingsOf(options)
  const state = adapterState()
  const consumers = new Set<RunningConsumer>()
  const groups = groupOperations(settings, state.report)
  let opened: Opened | undefined
  let opening: Promise<void> | undefined
  let closing: Promise<void> | undefined

  function requireOpened(): Opened {
    state.requireOpen()
    if (opened === undefined) throw notConnectedError()
    return opened
  }

  async function open(): Promise<void> {
    const connections = await openConnections(settings, {
      onUp: () => state.phase === 'open' && state.report({ type: 'state', state: 'connected' }),
      onDown: (error) => state.phase === 'open' && state.report({ type: 'state', state: 'reconnecting', error }),
    }).catch((error) => {
      state.refuseClosed()
      throw error
    })
    if (state.phase === 'closed') {
      connections.commands.close()
      connections.publishing.close()
      throw closedError()
    }
    const { commands, publishing } = connections
    opened = {
      ...connections,
      publisher: createPublisher(settings, publishing),
      common: createCommon({ settings, commands, report: state.report }),
    }
    state.markOpen()
    for (const error of connections.warnings) state.report({ type: 'error', error })
  }

  async function close(timeoutMs: number): Promise<void> {
    const endsAt = performance.now() + timeoutMs
    await Promise.all([...consumers].map((consumer) => consumer.stop({ timeoutMs })))
    await opened?.publisher.close(Math.max(0, endsAt - performance.now()))
    state.markClosed()
    opened?.common.close()
    for (const link of settings.links) link.close()
  }

  return {
    name: 'redis',
    contract: 2,
    capabilities: capabilitiesOf(settings),
    foreignCapabilities: (at) => foreignCapabilities(settings, at),
    async connect() {
      state.refuseClosed()
      if (state.phase === 'open') return
      opening ??= open().finally(() => {
        opening = undefined
      })
      await opening
    },
    async disconnect({ timeoutMs }) {
      closing ??= close(timeoutMs)
      await closing
    },
    async publish(topic, messages, call) {
      return await requireOpened().publisher.publish(topic, messages, call)
    },
    async declareGroup(ref, { startFrom }) {
      await groups.declare(requireOpened().commands, ref, startFrom)
    },
    async deleteGroup(ref) {
      await groups.delete(requireOpened().commands, ref)
    },
    async consume(ref, consumeOptions, handle) {
      const { commands, common } = requireOpened()
      if (consumeOptions.ephemeral) await groups.requireForeign(commands, ref)
      const start = consumeOptions.ephemeral ? startEphemeralConsumer : startGroupConsumer
      const place = placeOf(settings.prefix, ref)
      const { report } = state
      const consumer = await start({ settings, place, options: consumeOptions, handle, commands, common, report })
      if (closing !== undefined) {
        await consumer.stop({ timeoutMs: 0 })
        throw closedError()
      }
      consumers.add(consumer)
      return {
        async stop(stopOptions) {
          await consumer.stop(stopOptions)
          consumers.delete(consumer)
        },
      }
    },
    deadLetters(ref) {
      const place = placeOf(settings.prefix, ref)
      const store = (): ReturnType<typeof deadLetterStore> =>
        deadLetterStore(place, {
          link: requireOpened().commands,
          timeoutMs: 2 * settings.commandTimeoutMs,
          report: state.report,
        })
      return {
        list: async (listOptions) => await store().list(listOptions),
        page: async (pageOptions) => await store().page(pageOptions),
        replay: async (entryIds) => await store().replay(entryIds),
        purge: async (entryIds) => await store().purge(entryIds),
      }
    },
    async stats(ref) {
      return await groups.stats(requireOpened().commands, ref)
    },
    health() {
      const health = [...consumers].map((consumer) => consumer.health())
      const isUp = state.phase === 'open' && opened?.commands.isUp === true && opened.publishing.isUp
      const isDegraded = health.some(({ status }) => status === 'recovering')
      return {
        status: isUp ? (isDegraded ? 'degraded' : 'up') : 'down',
        consumers: health,
        maxStallMs: maxStallMs(settings.visibilityMs),
        ...(state.lastError && { lastError: state.lastError }),
      }
    },
    on: state.on,
    ...inspectionOf(settings, () => requireOpened().commands),
    diagnose: async () => await diagnose(requireOpened().commands),
  }
}

/** Nobody publishes to a foreign stream through this library. Everything else holds there too. */
function foreignCapabilities({ cluster }: Settings, at: ForeignPlace): Partial<AdapterCapabilities> {
  const { stream } = foreignStream(at)
  if (cluster !== undefined && hashTagOf(stream) === undefined) {
    const why = "a key with '}' outside of a hash tag shares its slot with no other key"
    throw new MqError('MQ_NOT_SUPPORTED', `redis cannot read '${stream}' in a cluster: ${why}`)
  }
  return { publishDedupeMs: 0 }
}

function capabilitiesOf({ visibilityMs, pollMs, maxMessageBytes, dedupeMs }: Settings): AdapterCapabilities {
  return Object.freeze({
    durable: true,
    embedded: false,
    retainsUnrouted: true,
    startFromEarliest: true,
    orderedKeys: true,
    countsCrashes: true,
    exactAttempts: true,
    delayResolutionMs: 2 * pollMs + 200,
    maxDelayMs: 365 * 24 * 60 * 60 * 1000,
    maxHandlerMs: Number.POSITIVE_INFINITY,
    maxMessageBytes,
    publishDedupeMs: dedupeMs,
    redeliveryMs: Math.ceil((visibilityMs * 4) / 3) + 2 * pollMs + 1_000,
    listsTopics: true,
    listsGroups: true,
    listsWaiting: true,
    listsInFlight: true,
    removesWaiting: true,
    runsNow: true,
    pausesGroups: true,
  })
}
