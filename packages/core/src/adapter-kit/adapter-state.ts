import type { AdapterEvent } from '../contract/adapter.js'
import { MqError } from '../contract/errors.js'

export interface AdapterState {
  /** `new` before `markOpen`, `closed` after `markClosed`. */
  readonly phase: 'new' | 'open' | 'closed'
  /** The latest error of an event or of `noteError`, for `health()`. */
  readonly lastError: MqError | undefined
  /** Does nothing after `markClosed`. */
  markOpen(): void
  markClosed(): void
  /** Throws `MQ_NOT_CONNECTED` before `markOpen`, `MQ_CLOSED` after `markClosed`. */
  requireOpen(): void
  /** Throws `MQ_CLOSED` after `markClosed`. */
  refuseClosed(): void
  /** Passes the event to all listeners, and remembers its error if it has one. */
  report(event: AdapterEvent): void
  /** Remembers an error that no event reports. */
  noteError(error: MqError): void
  /** Adds a listener, and returns a function that removes it. */
  on(listener: (event: AdapterEvent) => void): () => void
}

/** Creates the state that every adapter has: whether it is open, its listeners, and its latest error. */
export function adapterState(): AdapterState {
  const listeners = new Set<(event: AdapterEvent) => void>()
  let phase: AdapterState['phase'] = 'new'
  let lastError: MqError | undefined

  function refuseClosed(): void {
    if (phase === 'closed') throw closedError()
  }

  return {
    get phase() {
      return phase
    },
    get lastError() {
      return lastError
    },
    markOpen() {
      if (phase === 'new') phase = 'open'
    },
    markClosed() {
      phase = 'closed'
    },
    requireOpen() {
      if (phase === 'open') return
      refuseClosed()
      throw notConnectedError()
    },
    refuseClosed,
    report(event) {
      if ('error' in event && event.error !== undefined) lastError = event.error
      for (const listener of listeners) listener(event)
    },
    noteError(error) {
      lastError = error
    },
    on(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

export const closedError = (): MqError => new MqError('MQ_CLOSED', 'The adapter was disconnected')

export const notConnectedError = (): MqError => new MqError('MQ_NOT_CONNECTED', 'The adapter is not connected')
