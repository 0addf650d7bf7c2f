import { type Adapter, type AdapterCapabilities, adapterState, MqError, withTimeout } from '@mq/core/adapter'
import { connectWithin } from './connection/connect.js'
import { createLink } from './connection/link.js'
import { createConsumers } from './consume/consumers.js'
import { createDeadLetters } from './dead-letters/store.js'
import { diagnose } from './diagnose/diagnose.js'
import { clientConfig, defaultClient } from './driver/client.js'
import { Cluster } from './driver/cluster.js'
import { asMqError } from './driver/errors.js'
import { createMemberships, type Memberships, threadModule } from './driver/group/memberships.js'
import { Reading } from './driver/reading/reading.js'
import { removeWaiting, runNow } from './inspect/changes.js'
import { listGroups, listTopics } from './inspect/listing.js'
import { statsOf } from './inspect/stats.js'
import { listWaiting } from './inspect/waiting.js'
import { type KafkaOptions, type Settings, settingsOf } from './options.js'
import { createOutbox, createPublisher } from './publish/outbox.js'
import { foreignTopicName } from './topology/foreign.js'
import { type AppendRecord, notesIfAny } from './topology/group-notes.js'
import { createGroups } from './topology/groups.js'
import { createPauses } from './topology/pauses.js'
import { createNames } from './topology/plans.js'
import { maxDelayMs } from './topology/tiers.js'
import { createTopology } from './topology/topology.js'

/** A diagnosis creates a topic and deletes it, which takes seconds on a large cluster. */
const diagnoseMs = 60_000
const lateDiagnosis = (): MqError => new MqError('MQ_TIMEOUT', `The diagnosis took over ${diagnoseMs} ms`)

/**
 * Creates the Kafka adapter.
 * Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`.
 */
export function kafka(options: KafkaOptions): Adapter {
  const settings = settingsOf(options)
  const client = (settings.createClient ?? defaultClient)(clientConfig(settings))
  const state = adapterState()
  const openCluster = (): Cluster => new Cluster({ ...settings, client })
  const link = createLink((onLost) => new Cluster({ ...settings, client, onLost }), state.report)
  const { cluster } = link
  const names = createNames(settings.prefix)
  const admin = openCluster()
  const topology = createTopology({ cluster, admin, names, settings, report: state.report })
  const outbox = createOutbox({ ...settings, cluster, topology })
  const publish = createPublisher(topology, outbox)
  const append: AppendRecord = (at, record) => outbox.append(at, [record])
  const groups = createGroups({ ...settings, cluster, topology, names, append })
  const pauses = createPauses({ topology, append, notesOf: (dead) => notesIfAny(cluster, dead) })
  const [readCluster, membership] = [openCluster(), openCluster()]
  const looking = { cluster, topology, names, hasPrefix: settings.prefix !== undefined }
  const connections = { reading: new Reading(readCluster, settings), cluster: readCluster, membership }
  const memberships = createMemberships(settings, threadModule('member-thread', import.meta.url))
  const parts = { settings, names, topology, outbox, groups, connections, memberships }
  const consumers = createConsumers({ ...parts, report: state.report })

  /** Throws if the adapter is not open. Turns a failure into an error that begins with `what`. */
  const request = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    state.requireOpen()
    try {
      return await work()
    } catch (error) {
      throw asMqError(error, what)
    }
  }

  return {
    name: 'kafka',
    contract: 2,
    capabilities: capabilitiesOf(settings, memberships),
    advice,
    foreignCapabilities(at) {
      foreignTopicName(at)
      return {}
    },
    async connect() {
      state.refuseClosed()
      if (state.phase === 'open') return
      await connectWithin(settings, link)
      state.markOpen()
    },
    async disconnect({ timeoutMs }) {
      const endsAt = performance.now() + timeoutMs
      await consumers.stopAll(timeoutMs)
      await outbox.close(Math.max(0, endsAt - performance.now()))
      for (const one of [link, admin, readCluster, membership]) one.close()
      state.markClosed()
    },
    async publish(topic, messages, call) {
      state.requireOpen()
      return await publish(topic, messages, call)
    },
    declareGroup: (ref, { startFrom }) =>
      request(`The group '${ref.group}' cannot be declared`, () => groups.declare(ref, { startFrom })),
    deleteGroup: (ref) => request(`The group '${ref.group}' cannot be deleted`, () => consumers.deleteGroup(ref)),
    consume: (ref, consumeOptions, handle) =>
      request(`'${ref.topic}' cannot be consumed`, () => consumers.consume(ref, consumeOptions, handle)),
    deadLetters(ref) {
      const { store } = createDeadLetters({ cluster, topology, outbox, report: state.report }, ref)
      const what = `The dead letters of '${ref.group}' cannot be read`
      return {
        list: (listOptions) => request(what, () => store.list(listOptions)),
        page: (page) => request(what, () => store.page(page)),
        replay: (entryIds) => request(what, () => store.replay(entryIds)),
        purge: (entryIds) => request(what, () => store.purge(entryIds)),
      }
    },
    stats: (ref) =>
      request(`The state of '${ref.group}' cannot be read`, () => {
        const { summarize } = createDeadLetters({ cluster, topology, outbox, report: state.report }, ref)
        return statsOf(ref, { ...looking, summarizeDead: summarize, markOf: pauses.markOf })
      }),
    topics: (page) => request('The topics cannot be listed', () => listTopics(page, looking)),
    groups: (ref, page) =>
      request(`The groups of '${ref.topic}' cannot be listed`, () => listGroups(ref, page, looking)),
    waiting(ref) {
      const changing = { ...looking, append: outbox.append }
      return {
        list: (page) =>
          request(`What waits for '${ref.group}' cannot be listed`, () => listWaiting(ref, page, looking)),
        remove: (entryIds) =>
          request(`Messages of '${ref.group}' cannot be removed`, () => removeWaiting(ref, entryIds, changing)),
        runNow: (entryIds) =>
          request(`Messages of '${ref.group}' cannot be made ready`, () => runNow(ref, entryIds, changing)),
      }
    },
    pauseGroup: (ref, mark) => request(`The group '${ref.group}' cannot be paused`, () => pauses.pause(ref, mark)),
    resumeGroup: (ref) => request(`The group '${ref.group}' cannot be resumed`, () => pauses.resume(ref)),
    health() {
      const health = consumers.health()
      const isDegraded = health.some(({ status }) => status === 'recovering')
      const status = link.isUp ? (isDegraded ? 'degraded' : 'up') : 'down'
      return {
        status,
        consumers: health,
        maxStallMs: memberships.maxStallMs,
        ...(state.lastError && { lastError: state.lastError }),
      }
    },
    on: state.on,
    diagnose: () =>
      request('The diagnosis failed', () =>
        withTimeout(diagnose({ client, settings, names }), diagnoseMs, lateDiagnosis),
      ),
  }
}

const advice = { listsInFlight: 'at Kafka only the process that reads a partition knows which of its messages run' }

function capabilitiesOf({ maxMessageBytes }: Settings, memberships: Memberships): AdapterCapabilities {
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
    listsTopics: true,
    listsGroups: true,
    listsWaiting: true,
    // A process knows which messages run, and the broker does not.
    listsInFlight: false,
    removesWaiting: true,
    runsNow: true,
    pausesGroups: true,
    // After the session has ended, the other members hear of it by their next heartbeat.
    get redeliveryMs() {
      return memberships.times.sessionTimeoutMs + 5_000
    },
  })
}
