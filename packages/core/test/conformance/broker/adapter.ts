import {
  type Adapter,
  type AdapterEvent,
  type Capabilities,
  type DeadLetterStore,
  defaultMaxMessageBytes,
  type HealthStatus,
  isMqError,
  type MqError,
  type Source,
} from '../../../src/index.js'
import { decode } from './codec.js'
import { GroupConsumer } from './consumer.js'
import type { AdapterOptions } from './options.js'
import { Publisher } from './publisher.js'
import { Supervisor } from './supervisor.js'
import { dedupeMs } from './topic.js'

/** An adapter whose process can be killed. */
export interface MortalAdapter extends Adapter {
  /** As SIGKILL: its connection is gone without a goodbye, and it does nothing any more. */
  vanish(): void
}

const capabilities: Capabilities = Object.freeze({
  durable: true,
  embedded: true,
  retainsUnrouted: true,
  startFromEarliest: true,
  orderedKeys: true,
  countsCrashes: true,
  delayResolutionMs: 50,
  maxDelayMs: 24 * 60 * 60 * 1_000,
  maxHandlerMs: Number.POSITIVE_INFINITY,
  maxMessageBytes: defaultMaxMessageBytes,
  publishDedupeMs: dedupeMs,
  redeliveryMs: 500,
})

/** An adapter for the broker of this folder, written as one for a broker across a network has to be. */
export function createAdapter(options: AdapterOptions): MortalAdapter {
  const listeners = new Set<(event: AdapterEvent) => void>()
  const consumers = new Map<string, GroupConsumer>()
  const publisher = new Publisher()
  let lastError: MqError | undefined
  let isBlocked = false
  let wasConnected = false
  let vanished = false

  const report = (event: AdapterEvent): void => {
    if (vanished) return
    if ('error' in event && event.error !== undefined) lastError = event.error
    for (const listener of [...listeners]) listener(event)
  }
  const setBlocked = (blocked: boolean): void => {
    publisher.blocked = blocked
    if (blocked !== isBlocked) report({ type: 'blocked', blocked, ...(blocked && { reason: 'The broker is full' }) })
    isBlocked = blocked
  }
  const supervisor = new Supervisor(options, {
    up({ connection, blocked }) {
      if (wasConnected) report({ type: 'state', state: 'connected' })
      wasConnected = true
      for (const consumer of consumers.values()) if (consumer.isStarted) void consumer.resume(connection)
      setBlocked(blocked)
      publisher.up(connection)
    },
    down(error) {
      publisher.down()
      for (const consumer of consumers.values()) consumer.lost(error)
      report({ type: 'state', state: 'reconnecting', error })
    },
    push(push, connection) {
      if (push.type === 'blocked') setBlocked(push.blocked)
      else if (push.type === 'deliver') consumers.get(push.consumer)?.deliver(push, connection)
      else void consumers.get(push.consumer)?.cancelled(push, connection)
    },
  })

  /** On the next connection if one is lost meanwhile. */
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

  return {
    name: 'faulty',
    capabilities,
    connect: () => supervisor.connect(),
    async disconnect({ deadlineMs }) {
      const endsAt = performance.now() + deadlineMs
      await Promise.all([...consumers.values()].map((consumer) => consumer.stop({ deadlineMs })))
      await publisher.drained(Math.max(0, endsAt - performance.now()))
      publisher.abandon()
      await supervisor.close()
    },
    async publish(topic, messages, call) {
      supervisor.requireOpen()
      return publisher.publish(topic, messages, call)
    },
    async declareGroup(source, { startFrom }) {
      await supervisor.ask<'declare'>({ type: 'declare', source, startAt: startFrom }, { again: true })
    },
    async deleteGroup(source) {
      await supervisor.ask<'delete'>({ type: 'delete', source }, { again: true })
    },
    async consume(source, consumeOptions, handle) {
      const consumer = new GroupConsumer(source, consumeOptions, handle, report)
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
          consumers.delete(consumer.id)
        },
      }
    },
    deadLetters: (source) => deadLetterStore(supervisor, source),
    stats: (source) => supervisor.ask<'stats'>({ type: 'stats', source }, { again: true }),
    health() {
      const all = [...consumers.values()].map((consumer) => consumer.health)
      return { status: statusOf(supervisor, all), consumers: all, ...(lastError && { lastError }) }
    },
    on(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
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

function deadLetterStore(supervisor: Supervisor, source: Source): DeadLetterStore {
  return {
    async list({ limit }) {
      const entries = await supervisor.ask<'list'>({ type: 'list', source, limit }, { again: true })
      return entries.map(({ entryId, message, failure }) => ({
        entryId,
        message: decode(message, source.topic).message,
        failure,
      }))
    },
    // Not repeated: what the lost answer would have counted is no longer there.
    replay: (entryIds) => supervisor.ask<'replay'>({ type: 'replay', source, entryIds }, { again: false }),
    purge: (entryIds) => supervisor.ask<'purge'>({ type: 'purge', source, entryIds }, { again: false }),
  }
}
