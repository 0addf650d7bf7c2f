import { withTimeout } from '../adapter-kit/with-timeout.js'
import type { Adapter, AdapterEvent } from '../contract/adapter.js'
import { isMqError, MqError } from '../contract/errors.js'
import { describeError } from '../contract/failure.js'
import type { Log } from '../contract/log.js'
import type { QueueEvents, QueueHealth, QueueState } from '../contract/queue.js'
import { stopGraceMs } from '../contract/stopping.js'
import type { Emitter } from './emitter.js'

/** Creates the state of one queue. It decides which calls are allowed, and passes the adapter's events to the listeners. */
export function createLifecycle(adapter: Adapter, emitter: Emitter<QueueEvents>, log: Log) {
  let state: QueueState = 'idle'
  let connecting: Promise<void> | undefined

  const enter = (next: QueueState, error?: MqError): void => {
    if (state === next) return
    const previous = state
    state = next
    emitter.emit('state', { state, previous, ...(error && { error }) })
  }

  const onAdapterEvent = (event: AdapterEvent): void => {
    switch (event.type) {
      case 'state':
        if (state === 'connected' || state === 'reconnecting') enter(event.state, event.error)
        return
      case 'error':
        if (!emitter.replacesLog('error'))
          log.error(event.error.message, { topic: event.topic, group: event.group, code: event.error.code })
        emitter.emit('error', event)
        return
      case 'data-loss':
        if (!emitter.replacesLog('data-loss'))
          log.error(`Messages were lost: ${event.reason}`, { topic: event.topic, group: event.group })
        emitter.emit('data-loss', event)
        return
      case 'blocked':
        emitter.emit('blocked', event)
    }
  }

  adapter.on(onAdapterEvent)

  const closed = (): MqError => new MqError('MQ_CLOSED', 'The queue was disconnected; make a new one')

  return {
    report: onAdapterEvent,
    state: (): QueueState => state,
    /** `disconnecting` counts as open, because handlers may publish until they have finished. */
    requireOpen(): void {
      if (state === 'connected' || state === 'reconnecting' || state === 'disconnecting') return
      if (state === 'disconnected') throw closed()
      throw new MqError('MQ_NOT_CONNECTED', 'The queue is not connected; await connect() first')
    },
    requireNotClosing(): void {
      if (state === 'disconnecting' || state === 'disconnected') throw closed()
    },
    async connect(): Promise<void> {
      if (state === 'disconnecting' || state === 'disconnected') throw closed()
      if (state === 'connected' || state === 'reconnecting') return
      connecting ??= open().finally(() => {
        connecting = undefined
      })
      await connecting
    },
    beginClosing: (): void => enter('disconnecting'),
    async close(timeoutMs: number): Promise<void> {
      const late = (): MqError => new MqError('MQ_TIMEOUT', 'The adapter did not disconnect in time')
      try {
        await withTimeout(adapter.disconnect({ timeoutMs }), timeoutMs + stopGraceMs, late)
      } catch (cause) {
        const text = `Disconnecting failed: ${describeError(cause).message}`
        onAdapterEvent({
          type: 'error',
          error: isMqError(cause) ? cause : new MqError('MQ_OPERATION_FAILED', text, { cause }),
        })
      }
      enter('disconnected')
    },
    health(): QueueHealth {
      const open = state === 'connected' || state === 'reconnecting'
      const health = adapter.health()
      return { ...health, status: open ? health.status : 'down', state }
    },
  }

  async function open(): Promise<void> {
    enter('connecting')
    try {
      await adapter.connect()
    } catch (error) {
      if (state === 'connecting') enter('idle')
      throw error
    }
    if (state !== 'connecting') throw closed()
    enter('connected')
  }
}

/** Counts the calls that have begun and not ended. */
export function createOpenCalls() {
  let open = 0
  let onIdle: (() => void) | undefined

  return {
    async track<T>(call: () => Promise<T>): Promise<T> {
      open += 1
      try {
        return await call()
      } finally {
        open -= 1
        if (open === 0) onIdle?.()
      }
    },
    /** Resolves when no call is open, after `ms` at the latest. It measures real time, because it waits for real resources. */
    async ended(ms: number): Promise<void> {
      if (open === 0) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(ms, 2 ** 31 - 1))
        onIdle = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    },
  }
}
