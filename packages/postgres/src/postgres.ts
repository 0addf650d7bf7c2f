import { type Adapter, type AdapterCapabilities, adapterState, closedError, notConnectedError } from '@mq/core/adapter'
import { settledWithin } from './connection/waiters.js'
import { type Common, createCommon } from './consume/common.js'
import { type RunningConsumer, startConsumer } from './consume/group-consumer.js'
import { maxStallMs } from './consume/lease.js'
import { declareGroup, dropGroup, findGroup } from './consume/place.js'
import { deadLetterStore } from './dead-letters.js'
import { diagnose } from './diagnose.js'
import { inspectionOf } from './inspect/inspect.js'
import { type PostgresOptions, type Settings, settingsOf } from './options.js'
import { createCommitWatch } from './publish/commit-watch.js'
import { createEnlister, type Enlister, type WrittenTopic } from './publish/enlist.js'
import { createPublisher, type Publisher } from './publish/publisher.js'
import { statsOf } from './stats.js'

/** How long an adapter takes to say goodbye to the server. */
const leaveMs = 500

/**
 * Creates an adapter for PostgreSQL 13 and newer. It is not connected yet. Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`.
 */
export function postgres(options: PostgresOptions = {}): Adapter {
  const settings = settingsOf(options)
  const state = adapterState()
  const consumers = new Set<RunningConsumer>()
  let opened: { readonly common: Common; readonly publisher: Publisher; readonly enlist: Enlister } | undefined
  let opening: Promise<void> | undefined
  let beginning: Common | undefined
  let closing: Promise<void> | undefined

  function requireOpened(): NonNullable<typeof opened> {
    state.requireOpen()
    if (opened === undefined) throw notConnectedError()
    return opened
  }
  const requireCommon = (): Common => requireOpened().common

  async function open(): Promise<void> {
    const common = createCommon(settings, {
      onUp: () => state.phase === 'open' && state.report({ type: 'state', state: 'connected' }),
      onDown: (error) => state.phase === 'open' && state.report({ type: 'state', state: 'reconnecting', error }),
      report: state.report,
    })
    beginning = common
    try {
      await common.link.open()
    } catch (error) {
      common.close()
      state.refuseClosed()
      throw error
    }
    const { link, announcer, sweeper, watch, blocked } = common
    const publisher = createPublisher({
      settings,
      link,
      blocked,
      onStored({ topic, topicId, isDelayed }) {
        sweeper.noteUse(topic)
        announcer.messages(topicId)
        if (isDelayed) announcer.changes(topicId)
      },
    })
    const watchCommit = createCommitWatch<WrittenTopic>(link, ({ topicId, isLater }) => {
      announcer.messages(topicId)
      if (isLater) announcer.changes(topicId)
    })
    const enlist = createEnlister({
      settings,
      link,
      onWritten(written) {
        sweeper.noteUse(written.topic)
        watchCommit(written)
      },
    })
    opened = { common, publisher, enlist }
    state.markOpen()
    watch.lookWithin(0)
  }

  async function close(timeoutMs: number): Promise<void> {
    const endsAt = performance.now() + timeoutMs
    await Promise.all([...consumers].map((consumer) => consumer.stop({ timeoutMs })))
    await opened?.publisher.close(Math.max(0, endsAt - performance.now()))
    state.markClosed()
    if (opened?.common.link.isUp) await settledWithin(opened.common.membership.leave(), leaveMs)
    opened?.common.close()
    beginning?.close()
  }

  return {
    name: 'postgres',
    contract: 2,
    capabilities: capabilitiesOf(settings),
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
      const { publisher, enlist } = requireOpened()
      const { timeoutMs, transaction } = call
      if (transaction !== undefined) return await enlist(topic, messages, { timeoutMs, transaction })
      return await publisher.publish(topic, messages, call)
    },
    async declareGroup(ref, { startFrom }) {
      const { link } = requireCommon()
      await declareGroup(link.consuming, settings, { ref, isEarliest: startFrom === 'earliest' })
    },
    async deleteGroup(ref) {
      const { link, announcer, sweeper } = requireCommon()
      const place = await findGroup(link.consuming, settings, ref)
      if (place === undefined) return
      await dropGroup(link.consuming, settings, place.grp)
      sweeper.noteUse(ref.topic)
      announcer.changes(place.topicId)
    },
    async consume(ref, consumeOptions, handle) {
      const common = requireCommon()
      const consumer = await startConsumer({ ref, options: consumeOptions, handle, common, report: state.report })
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
    deadLetters: (ref) => deadLetterStore(requireCommon, ref),
    stats: async (ref) => await statsOf(requireCommon(), ref),
    health() {
      const health = [...consumers].map((consumer) => consumer.health())
      const isUp = state.phase === 'open' && opened?.common.link.isUp === true
      const isDegraded = health.some(({ status }) => status === 'recovering')
      return {
        status: isUp ? (isDegraded ? 'degraded' : 'up') : 'down',
        consumers: health,
        maxStallMs: maxStallMs(settings.visibilityMs),
        ...(state.lastError && { lastError: state.lastError }),
      }
    },
    on: state.on,
    ...inspectionOf(requireCommon),
    diagnose: async () => await diagnose(requireCommon()),
  }
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
    delayResolutionMs: pollMs + 200,
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
    joinsTransactions: true,
  })
}
