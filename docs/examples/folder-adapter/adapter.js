import { access, mkdir, readdir, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { defaultMaxMessageBytes, MqError } from '@mq/core/adapter'
import { startConsumer } from './consumer.js'
import { encode } from './envelope.js'
import { ifThere, newId } from './files.js'
import { groupAt } from './group.js'
import { isAlive, openLease, sweep } from './lease.js'
import { settingsOf } from './options.js'

/** @import { Adapter, AdapterCapabilities, AdapterEvent, ConsumerHealth, StoreOutcome, OutgoingMessage, GroupRef } from '@mq/core/adapter' */
/** @import { GroupConsumer } from './consumer.js' */
/** @import { FolderOptions } from './options.js' */

/**
 * Creates an adapter that keeps queues in a folder, which several processes of one machine share. Throws a `TypeError` or `MQ_INVALID_OPTION`.
 * @param {FolderOptions} options
 * @returns {Adapter}
 */
export default function folder(options) {
  const { folder: root, leaseMs, pollMs } = settingsOf(options)
  const places = { root, topics: join(root, 'topics'), leases: join(root, 'leases'), drafts: join(root, 'drafts') }
  /** @type {Set<(event: AdapterEvent) => void>} */
  const listeners = new Set()
  /** @type {Map<GroupConsumer, GroupRef>} */
  const consumers = new Map()
  /** @type {Set<Promise<unknown>>} */
  const publishing = new Set()
  /** @type {'new' | 'open' | 'closed'} */
  let state = 'new'
  let isReachable = false
  /** @type {MqError | undefined} */
  let lastError
  /** @type {NodeJS.Timeout | undefined} */
  let watch

  /** @param {AdapterEvent} event */
  const report = (event) => {
    if (event.type === 'error') lastError = event.error
    for (const listener of listeners) listener(event)
  }
  const requireOpen = () => {
    if (state === 'new') throw new MqError('MQ_NOT_CONNECTED', 'The adapter is not connected')
    if (state === 'closed') throw new MqError('MQ_CLOSED', 'The adapter was disconnected')
  }

  /** @param {GroupRef} ref @param {string} [suffix] */
  const groupOf = (ref, suffix = '') => {
    const path = join(places.topics, folderName(ref.topic), folderName(ref.group) + suffix)
    return groupAt({ ref, folder: path, places })
  }
  /** @param {string} topic */
  const groupsOf = async (topic) => {
    const path = join(places.topics, folderName(topic))
    return ((await ifThere({ root, path }, () => readdir(path))) ?? []).map((name) => ({
      group: groupAt({ ref: { topic, group: name }, folder: join(path, name), places }),
      owner: ephemeralOwner(name),
    }))
  }

  /** @param {string} topic @param {OutgoingMessage} message @param {AbortSignal} signal @returns {Promise<StoreOutcome>} */
  const store = async (topic, message, signal) => {
    const draft = join(places.drafts, newId())
    let isSent = false
    try {
      await writeFile(draft, encode(message))
      const state = { due: Date.now() + (message.delayMs ?? 0), id: newId(), attempt: 1 }
      let groups = 0
      for (const { group, owner } of await groupsOf(topic)) {
        // An ephemeral group whose consumer died without removing it.
        if (owner !== undefined && !(await isAlive(places, owner))) await group.remove()
        if (signal.aborted) throw signal.reason
        isSent = true
        if (await group.add(draft, state)) groups += 1
      }
      return { status: 'stored', routed: groups > 0 ? 'yes' : 'no' }
    } catch (cause) {
      return failed(isSent, cause)
    } finally {
      await unlink(draft).catch(() => {})
    }
  }

  const look = async () => {
    const error = await access(places.drafts).then(
      () => undefined,
      (cause) => new MqError('MQ_CONNECTION_LOST', `The folder ${root} is gone`, { cause }),
    )
    if (isReachable === (error === undefined) || state !== 'open') return
    isReachable = error === undefined
    if (error !== undefined) lastError = error
    report({ type: 'state', state: isReachable ? 'connected' : 'reconnecting', ...(error && { error }) })
  }

  return {
    name: 'folder',
    contract: 2,
    capabilities: capabilitiesOf(leaseMs, pollMs),
    async connect() {
      if (state === 'closed') requireOpen()
      try {
        for (const path of Object.values(places)) await mkdir(path, { recursive: true })
        await sweep(places)
      } catch (cause) {
        throw new MqError('MQ_CONNECT_FAILED', `The folder ${root} cannot be used`, { cause })
      }
      state = 'open'
      isReachable = true
      watch = setInterval(look, lookMs)
    },
    async disconnect(stopOptions) {
      await Promise.all([...consumers.keys()].map((consumer) => consumer.stop(stopOptions)))
      state = 'closed'
      await Promise.all(publishing)
      clearInterval(watch)
    },
    async publish(topic, messages, { signal }) {
      requireOpen()
      const late = new Promise((give) => signal.addEventListener('abort', give, { once: true }))
      const unknown = late.then(() => failed(true, signal.reason))
      const settling = Promise.all(messages.map((message) => Promise.race([store(topic, message, signal), unknown])))
      publishing.add(settling)
      return settling.finally(() => publishing.delete(settling))
    },
    async declareGroup(ref, { startFrom }) {
      requireOpen()
      if (startFrom === 'earliest') throw notSupported('startFromEarliest')
      await operation(groupOf(ref).create())
    },
    async deleteGroup(ref) {
      requireOpen()
      await operation(groupOf(ref).remove())
    },
    async consume(ref, consumeOptions, handle) {
      requireOpen()
      if (consumeOptions.ordered) throw notSupported('orderedKeys')
      const lease = await operation(openLease(places, leaseMs))
      const group = groupOf(ref, consumeOptions.ephemeral ? `~${lease.id}` : '')
      await operation(group.create())
      const parts = { group, places, options: consumeOptions, handle, lease, leaseMs, pollMs, report }
      const consumer = startConsumer(parts)
      consumers.set(consumer, ref)
      return {
        async stop(stopOptions) {
          await consumer.stop(stopOptions)
          consumers.delete(consumer)
        },
      }
    },
    deadLetters(ref) {
      const { list, replay, purge } = groupOf(ref).deadLetters
      return {
        list: (limits) => operation(list(limits)),
        replay: (entryIds) => operation(replay(entryIds)),
        purge: (entryIds) => operation(purge(entryIds)),
      }
    },
    stats: (ref) => operation(groupOf(ref).stats()),
    health() {
      /** @type {ConsumerHealth[]} */
      const states = [...consumers].map(([consumer, ref]) => ({ ...ref, status: consumer.status() }))
      const isWhole = states.every(({ status }) => status !== 'recovering')
      const isUp = state === 'open' && isReachable
      return {
        status: !isUp ? 'down' : isWhole ? 'up' : 'degraded',
        consumers: states,
        ...(lastError && { lastError }),
      }
    },
    on(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

/** How often the adapter checks that the folder still exists. */
const lookMs = 500

/** @param {number} leaseMs @param {number} pollMs @returns {AdapterCapabilities} */
const capabilitiesOf = (leaseMs, pollMs) => ({
  durable: true,
  embedded: false,
  retainsUnrouted: false,
  startFromEarliest: false,
  orderedKeys: false,
  countsCrashes: true,
  exactAttempts: true,
  delayResolutionMs: 4 * pollMs,
  maxDelayMs: 365 * 24 * 60 * 60 * 1000,
  maxHandlerMs: Number.POSITIVE_INFINITY,
  maxMessageBytes: defaultMaxMessageBytes,
  publishDedupeMs: 0,
  redeliveryMs: 2 * leaseMs,
})

/** Keeps `Ord` and `ord` apart on file systems that ignore case. @param {string} name */
const folderName = (name) => name.replace(/[A-Z]/g, (letter) => `+${letter.toLowerCase()}`)

/** Returns the consumer that an ephemeral group belongs to. @param {string} name */
const ephemeralOwner = (name) => name.split('~')[1]

/** @param {string} capability */
const notSupported = (capability) =>
  new MqError('MQ_NOT_SUPPORTED', `A folder cannot do this: its capabilities have no ${capability}`)

/** @param {boolean} isSent @param {unknown} cause @returns {StoreOutcome} */
function failed(isSent, cause) {
  const text = isSent ? 'The message may or may not be stored' : 'The message was not stored'
  const error = new MqError(isSent ? 'MQ_PUBLISH_UNKNOWN' : 'MQ_PUBLISH_REJECTED', text, { cause })
  return { status: isSent ? 'unknown' : 'rejected', routed: 'unknown', error }
}

/** @template T @param {Promise<T>} work */
async function operation(work) {
  try {
    return await work
  } catch (cause) {
    throw new MqError('MQ_OPERATION_FAILED', 'The folder refused an operation', { cause })
  }
}
