import type { AdapterEvent, GroupRef } from '../contract/adapter.js'
import { MqError } from '../contract/errors.js'
import { describeError } from '../contract/failure.js'
import type { SettledEvent } from '../contract/queue.js'
import type { SettleSettings } from './settle.js'

/** The listeners of the queue, as the end of a run needs them. */
export interface RunListeners {
  has(name: 'settled'): boolean
  emit(name: 'settled', event: SettledEvent): void
}

export interface RunReportsOptions {
  readonly ref: GroupRef
  readonly ephemeral: boolean
  readonly listeners: RunListeners
  /** Reports an event as if the adapter had emitted it. */
  readonly report: (event: AdapterEvent) => void
}

/** Creates the functions that report what happened to the runs of one subscription. */
export function createRunReports(options: RunReportsOptions): Pick<SettleSettings, 'onRunEnd' | 'onFault'> {
  const { ref, ephemeral, listeners, report } = options
  const reportError = (text: string, cause?: unknown): void => {
    const error = new MqError('MQ_OPERATION_FAILED', text, cause === undefined ? {} : { cause })
    report({ type: 'error', error, ...ref })
  }
  return {
    onRunEnd({ message, attempt }, settlement, durationMs) {
      const failure = 'failure' in settlement ? settlement.failure : undefined
      // Nobody retries or dead-letters it, so the failure would be lost.
      if (ephemeral && failure !== undefined) {
        reportError(`An ephemeral handler of '${ref.topic}' failed: ${failure.error.message}`)
      }
      if (!listeners.has('settled')) return
      listeners.emit('settled', {
        ...ref,
        id: message.id,
        attempt,
        settlement: settlement.kind,
        durationMs,
        ...(settlement.kind === 'retry' && { delayMs: settlement.delayMs }),
        ...(failure && { failure }),
      })
    },
    onFault: (cause) =>
      reportError(`Handling a message of '${ref.topic}' failed: ${describeError(cause).message}`, cause),
  }
}
