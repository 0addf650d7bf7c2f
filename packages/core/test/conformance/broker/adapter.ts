import {
  type AdapterEvent,
  type DeadLetterStore,
  defaultMaxMessageBytes,
  type TargetRef,
} from '../../../src/adapter.js'
import { type Adapter, type Capabilities, type HealthStatus, isMqError, MqError } from '../../../src/index.js'
import { decode, encode } from './codec.js'
import { GroupConsumer } from './consumer.js'
import { foreignCapabilities, located } from './foreign.js'
import { inspectionOf } from './inspect.js'
import type { Faulty } from './mutation.js'
import type { AdapterOptions } from './options.js'
import { Publisher } from './publisher.js'
import type { Standstill } from './standstill.js'
import { Supervisor } from './supervisor.js'
import { dedupeMs } from './topic.js'
import { Turnstile } from './turnstile.js'
import { maxStoredBytes } from './wire.js'

/** An adapter whose process can be killed. */
export interface MortalAdapter extends Adapter {
  /** Ends the adapter like SIGKILL: its connection is gone without notice, and it does nothing more. */
  vanish(): void
  /** Whether the whole process stands still. */
  readonly standstill: Standstill
}

const capabilities: Capabilities = Object.freeze({
  durable: true,
  embedded: true,
  retainsUnrouted: true,
  startFromEarliest: true,
  orderedKeys: true,
  countsCrashes: true,
  exactAttempts: true,
  delayResolutionMs: 50,
  maxDelayMs: 24 * 60 * 60 * 1_000,
  maxHandlerMs: Number.POSITIVE_INFINITY,
  maxMessageBytes: defaultMaxMessageBytes,
  publishDedupeMs: dedupeMs,
  redeliveryMs: 500,
  listsTopics: true,
  listsGroups: true,
  listsWaiting: true,
  listsInFlight: true,
  removesWaiting: true,
  runsNow: true,
  pausesGroups: true,
  joinsTransactions: true,
})

/** Creates an adapter for the broker of this folder, written like one for a broker across a network. */
export function createAdapter(options: AdapterOptions): MortalAdapter {
  const { faulty } = options
  const listeners = new Set<(event: AdapterEvent) => void>()
  const consumers = new Map<string, GroupConsumer>()
  const publisher = new Publisher(faulty)
  const turns = new Turnstile()
  let lastError: MqError | undefined
  let isBlocked = false
  let wasConnected = false
  let vanished = false
  let wasLost = false
  let disconnects = 0

  const report = (event: AdapterEvent): void => {
    if (vanished) return
    if ('error' in event && event.error !== undefined && !faulty('noLastError')) lastError = shownError(event.error)
    if (event.type === 'state' && faulty(event.state === 'connected' ? 'noConnectedEvent' : 'noReconnectingEvent'))
      return
    if (event.type === 'blocked' && faulty('blockedNotReported')) return
    for (const listener of [...listeners]) listener(event)
  }
  const shownError = (error: MqError): MqError =>
    faulty('secretInLastError') ? new MqError(error.code, `${error.message} (password ${options.password})`) : error
  const setBlocked = (blocked: boolean): void => {
    publisher.blocked = blocked
    if (blocked !== isBlocked) report({ type: 'blocked', blocked, ...(blocked && { reason: 'The broker is full' }) })
    isBlocked = blocked
  }
  const supervisor = new Supervisor(options, {
    up({ connection, blocked }) {
      if (wasConnected) report({ type: 'state', state: 'connected' })
      wasConnected = true
      for (const consumer of consumers.values()) {
        if (consumer.isStarted && !faulty('noResubscribe')) void consumer.resume(connection)
      }
      setBlocked(blocked)
      publisher.up(connection)
    },
    down(error) {
      publisher.down()
      wasLost = true
      for (const consumer of consumers.values()) consumer.lost(error)
      report({ type: 'state', state: 'reconnecting', error })
    },
    push(push, connection) {
      if (push.type === 'blocked') setBlocked(push.blocked)
      else if (push.type === 'paused') consumers.get(push.consumer)?.told(push.mark, connection)
      else if (push.type === 'deliver') consumers.get(push.consumer)?.deliver(push, connection)
      else void consumers.get(push.consumer)?.cancelled(push, connection)
    },
  })

  /** Starts the consumer, on the next connection if one is lost meanwhile. */
  async function start(consumer: GroupConsumer): Promise<void> {
    const endsAt = performance.now() + options.operationTimeoutMs
    for (;;) {
      const connection = await supervisor.connected(endsAt - performance.now())
      try {
        await consumer.attach(connection)
        return
      } catch (error) {
        if (!isMqError(error, 'MQ_CONNECTION_LOST')) throw error
      }
    }
  }

  const shownStatus = (status: HealthStatus): HealthStatus => {
    if (wasLost && faulty('healthStaysDown')) return 'down'
    return status === 'down' && supervisor.state === 'reconnecting' && faulty('healthUpWhileDown') ? 'up' : status
  }

  return {
    name: 'faulty',
    contract: 2,
    capabilities: faulty('oversizeKillsConnection')
      ? { ...capabilities, maxMessageBytes: maxStoredBytes * 2 }
      : capabilities,
    foreignCapabilities: (at) => foreignCapabilities(at, faulty),
    connect: () => supervisor.connect(),
    async disconnect({ timeoutMs }) {
      disconnects += 1
      if (disconnects > 1 && faulty('disconnectTwiceRejects')) throw new MqError('MQ_CLOSED', 'Disconnected twice')
      if (faulty('leaksTimer')) setTimeout(() => {}, 60_000)
      const endsAt = performance.now() + timeoutMs
      await Promise.all([...consumers.values()].map((consumer) => consumer.stop({ timeoutMs })))
      if (!faulty('disconnectDropsPublishes')) await publisher.drained(Math.max(0, endsAt - performance.now()))
      publisher.abandon()
      await supervisor.close()
    },
    async publish(topic, messages, call) {
      if (supervisor.state === 'closed' && faulty('publishesAfterDisconnect')) {
        return messages.map(() => ({ status: 'stored', routed: 'yes' }) as const)
      }
      supervisor.requireOpen()
      const { transaction } = call
      if (transaction === undefined || faulty('ignoresTransactions')) return publisher.publish(topic, messages, call)
      const past = messages.filter(({ delayMs = 0 }) => delayMs > 0 && faulty('delaysPastTransactions'))
      if (past.length > 0) await publisher.publish(topic, past, call)
      await transaction('publish', [
        topic,
        messages.filter((message) => !past.includes(message)).map((one) => encode(one, faulty)),
      ])
      return messages.map(() => ({ status: 'stored', routed: 'unknown' }) as const)
    },
    async declareGroup(ref, { startFrom }) {
      await supervisor.ask<'declare'>(
        { type: 'declare', ref: located(ref, faulty), startAt: startFrom },
        { again: true },
      )
    },
    async deleteGroup(ref) {
      const wasThere = await supervisor.ask<'delete'>({ type: 'delete', ref: located(ref, faulty) }, { again: true })
      if (wasThere || !faulty('deleteMissingRejects')) return
      throw new MqError('MQ_OPERATION_FAILED', `There is no group '${ref.group}'`)
    },
    async consume(ref, consumeOptions, handle) {
      const consumer = new GroupConsumer(ref, consumeOptions, handle, {
        report,
        faulty,
        turns,
        standstill: options.standstill,
      })
      consumers.set(consumer.id, consumer)
      try {
        await start(consumer)
      } catch (error) {
        consumers.delete(consumer.id)
        throw error
      }
      return {
        async stop(deadline) {
          await consumer.stop(deadline)
          if (!faulty('healthKeepsStopped')) consumers.delete(consumer.id)
        },
      }
    },
    deadLetters: (ref) => deadLetterStore(supervisor, ref, faulty),
    stats: (ref) => supervisor.ask<'stats'>({ type: 'stats', ref: located(ref, faulty) }, { again: true }),
    health() {
      const all = faulty('healthForgetsConsumers') ? [] : [...consumers.values()].map((consumer) => consumer.health)
      return {
        status: shownStatus(statusOf(supervisor, all)),
        consumers: all,
        maxStallMs: faulty('stallOverstated') ? 10 * options.heartbeatMs : options.heartbeatMs,
        ...(lastError && { lastError }),
      }
    },
    ...inspectionOf(supervisor, faulty),
    on(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    standstill: options.standstill,
    vanish() {
      vanished = true
      supervisor.abandon()?.close()
      for (const consumer of consumers.values()) consumer.vanish()
      publisher.abandon()
    },
  }
}

function statusOf(supervisor: Supervisor, consumers: readonly { readonly status: string }[]): HealthStatus {
  if (supervisor.state !== 'open') return 'down'
  return consumers.some(({ status }) => status === 'recovering') ? 'degraded' : 'up'
}

function deadLetterStore(supervisor: Supervisor, { topic, ...names }: TargetRef, faulty: Faulty): DeadLetterStore {
  const { group } = names
  const ref = faulty('foreignDeadElsewhere') ? { topic, group } : located({ topic, ...names }, faulty)
  return {
    async list({ limit }) {
      const entries = await supervisor.ask<'list'>({ type: 'list', ref, limit }, { again: true })
      return entries.map(({ entryId, message, failure }) => ({
        entryId,
        message: decode(message, topic, faulty).message,
        failure,
      }))
    },
    // These are not repeated, because the entries that a lost answer counted are gone.
    replay: (entryIds) => supervisor.ask<'replay'>({ type: 'replay', ref, entryIds }, { again: false }),
    purge: (entryIds) => supervisor.ask<'purge'>({ type: 'purge', ref, entryIds }, { again: false }),
  }
}
