import {
  type Adapter,
  type AdapterEvent,
  type Capabilities,
  type GroupRef,
  MqError,
  withTimeout,
} from '@mq/core/adapter'
import { bare, CommandError, closedError, connectError } from './connection/errors.js'
import { createLink, type Link } from './connection/link.js'
import { persist } from './connection/retry.js'
import { checkServer } from './connection/start-checks.js'
import { startEphemeralConsumer } from './consume/ephemeral-consumer.js'
import { startGroupConsumer } from './consume/group-consumer.js'
import type { RunningConsumer } from './consume/running-consumer.js'
import { deadLetterStore } from './dead-letters.js'
import { type RedisOptions, type Settings, settingsOf } from './options.js'
import { createPublisher } from './publish/publisher.js'
import { placeOf } from './wire/keys.js'
import { declareScript, deleteScript, statsScript } from './wire/scripts/group.js'

/**
 * The adapter for Redis 7.0 and newer, and Valkey. Not connected yet.
 * Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`.
 */
export function redis(options: RedisOptions = {}): Adapter {
  const settings = settingsOf(options)
  const listeners = new Set<(event: AdapterEvent) => void>()
  const consumers = new Set<RunningConsumer>()
  let state: 'new' | 'open' | 'closed' = 'new'
  let commands: Link | undefined
  let publishing: Link | undefined
  let publisher: ReturnType<typeof createPublisher> | undefined
  let lastError: MqError | undefined

  const report = (event: AdapterEvent): void => {
    if ('error' in event && event.error !== undefined) lastError = event.error
    for (const listener of listeners) listener(event)
  }
  const requireOpen = (): Link => {
    if (state === 'closed') throw closedError()
    if (commands === undefined) throw new MqError('MQ_NOT_CONNECTED', 'The adapter is not connected')
    return commands
  }
  /** What may be done twice without harm. */
  const repeated = <T>(what: string, link: Link, work: () => Promise<T>): Promise<T> =>
    persist({ what, link, timeoutMs: 2 * settings.commandTimeoutMs, repeatable: true }, work)
  const where = { where: `${settings.address.host}:${settings.address.port}`, timeoutMs: settings.connectTimeoutMs }

  async function open(): Promise<void> {
    const link = createLink(settings, {
      up: () => state === 'open' && report({ type: 'state', state: 'connected' }),
      down: (error) => state === 'open' && report({ type: 'state', state: 'reconnecting', error }),
    })
    // What waits for copies holds up all that comes after it on its connection.
    const own = settings.wait === undefined ? link : createLink(settings)
    const prepare = async (): Promise<readonly MqError[]> => {
      await link.open()
      const warnings = await checkServer(link, settings)
      if (own !== link) await own.open()
      return warnings
    }
    try {
      const warnings = await withinConnectTime(prepare(), where)
      if (state === 'closed') throw closedError()
      commands = link
      publishing = own
      publisher = createPublisher(settings, own)
      state = 'open'
      for (const error of warnings) report({ type: 'error', error })
    } catch (error) {
      // What is still under way in them ends with them.
      link.close()
      own.close()
      if (state === 'closed') throw closedError()
      throw error instanceof CommandError ? connectError(bare(error), where) : error
    }
  }
  let opening: Promise<void> | undefined

  async function close(timeoutMs: number): Promise<void> {
    const endsAt = performance.now() + timeoutMs
    const left = (): number => Math.max(0, endsAt - performance.now())
    await Promise.all([...consumers].map((consumer) => consumer.stop({ timeoutMs })))
    await publisher?.close(left())
    state = 'closed'
    for (const link of settings.links) link.close()
  }
  let closed: Promise<void> | undefined

  return {
    name: 'redis',
    contract: 2,
    capabilities: capabilitiesOf(settings),
    async connect() {
      if (state === 'closed') throw closedError()
      if (state === 'open') return
      opening ??= open().finally(() => {
        opening = undefined
      })
      await opening
    },
    async disconnect({ timeoutMs }) {
      closed ??= close(timeoutMs)
      await closed
      state = 'closed'
    },
    async publish(topic, messages, call) {
      requireOpen()
      if (publisher === undefined) throw new MqError('MQ_NOT_CONNECTED', 'The adapter is not connected')
      return await publisher.publish(topic, messages, call)
    },
    async declareGroup(ref, { startFrom }) {
      const link = requireOpen()
      const { keys } = placeOf(settings.prefix, ref)
      const start = startFrom === 'earliest' ? '0' : '$'
      const [known, made] = (await repeated(`Declaring the group '${ref.group}'`, link, () =>
        link.run(declareScript, [keys.stream, keys.retry, keys.groups, keys.deleted], [ref.group, start]),
      )) as readonly number[]
      if (known === 1 && made === 1) {
        report({ type: 'data-loss', ...ref, reason: 'the stream or its group had vanished at the broker' })
      }
    },
    async deleteGroup(ref) {
      const link = requireOpen()
      const { keys } = placeOf(settings.prefix, ref)
      const { stream, groups, deleted, retry, due, dueData, dead, lanes, waiting, open } = keys
      const all = [stream, groups, deleted, retry, due, dueData, dead, lanes, waiting, open]
      await repeated(`Deleting the group '${ref.group}'`, link, () =>
        link.run(deleteScript, all, [ref.group, settings.retain]),
      )
    },
    async consume(ref, consumeOptions, handle) {
      const link = requireOpen()
      const start = consumeOptions.ephemeral ? startEphemeralConsumer : startGroupConsumer
      const place = placeOf(settings.prefix, ref)
      const consumer = await start({ settings, place, options: consumeOptions, handle, commands: link, report })
      if (closed !== undefined) {
        await consumer.stop({ timeoutMs: 0 })
        throw closedError()
      }
      consumers.add(consumer)
      return {
        async stop(deadline) {
          await consumer.stop(deadline)
          consumers.delete(consumer)
        },
      }
    },
    deadLetters: (ref) => {
      const place = placeOf(settings.prefix, ref)
      const store = (): ReturnType<typeof deadLetterStore> =>
        deadLetterStore(place, { link: requireOpen(), timeoutMs: 2 * settings.commandTimeoutMs })
      return {
        list: async (listOptions) => await store().list(listOptions),
        replay: async (entryIds) => await store().replay(entryIds),
        purge: async (entryIds) => await store().purge(entryIds),
      }
    },
    async stats(ref: GroupRef) {
      const link = requireOpen()
      const { stream, retry, due, delayed, dead, waiting } = placeOf(settings.prefix, ref).keys
      const [ready, inFlight, later, buried] = (await repeated('Reading stats', link, () =>
        link.run(statsScript, [stream, retry, due, delayed, dead, waiting], [ref.group]),
      )) as readonly number[]
      return { ready: ready === -1 ? undefined : ready, inFlight, delayed: later, dead: buried }
    },
    health() {
      const all = [...consumers].map((consumer) => consumer.health())
      const isUp = state === 'open' && commands?.isUp === true && publishing?.isUp === true
      const isStuck = all.some(({ status }) => status === 'recovering')
      return {
        status: isUp ? (isStuck ? 'degraded' : 'up') : 'down',
        consumers: all,
        ...(lastError && { lastError }),
      }
    },
    on(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

function capabilitiesOf({ visibilityMs, pollMs, maxMessageBytes, dedupeMs }: Settings): Capabilities {
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
  })
}

const withinConnectTime = <T>(work: Promise<T>, at: { where: string; timeoutMs: number }): Promise<T> =>
  withTimeout(work, at.timeoutMs + 500, () =>
    connectError(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }), at),
  )
