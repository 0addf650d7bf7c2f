import type { AdapterEvent, Delivery, GroupRef, Settlement } from '../contract/adapter.js'
import { MqError } from '../contract/errors.js'
import { describeError, errorWith, type Failure, onOneLine } from '../contract/failure.js'
import type { Log, LogFields } from '../contract/log.js'
import type { QueueEvents, SettledEvent } from '../contract/queue.js'
import type { SettleSettings } from './settle.js'

/** The listeners of the queue, as the end of a run needs them. */
export interface RunListeners {
  has(name: 'settled' | 'error'): boolean
  /** Whether a listener gets what would be logged otherwise. */
  replacesLog(name: 'settled' | 'error'): boolean
  emit<Name extends 'settled' | 'error'>(name: Name, event: QueueEvents[Name]): void
}

export interface RunReportsOptions {
  readonly ref: GroupRef
  readonly ephemeral: boolean
  readonly listeners: RunListeners
  readonly log: Log
  /** Whether failures that no listener gets are logged. */
  readonly logFailures: boolean
  /** Reports an event as if the adapter had emitted it. */
  readonly report: (event: AdapterEvent) => void
}

type RunReports = Pick<SettleSettings, 'eventOf' | 'onRunEnd' | 'onFault' | 'wantsStacks'>

/** Creates the functions that report what happened to the runs of one subscription. */
export function createRunReports(options: RunReportsOptions): RunReports {
  const { ref, ephemeral, listeners, report } = options

  const eventOf = ({ message, attempt }: Delivery, settlement: Settlement, durationMs: number): SettledEvent => ({
    ...ref,
    id: message.id,
    attempt,
    settlement: settlement.kind,
    durationMs,
    ...(settlement.kind === 'retry' && { delayMs: settlement.delayMs }),
    ...('failure' in settlement && { failure: settlement.failure }),
  })

  return {
    eventOf,
    wantsStacks: () => ephemeral || listeners.has('settled'),
    onRunEnd(delivery, settlement, durationMs) {
      const hasListener = listeners.has('settled')
      if (settlement.kind === 'retry' || settlement.kind === 'dead') {
        if (ephemeral) reportEphemeral(options, delivery, settlement.failure)
        else if (options.logFailures && !listeners.replacesLog('settled')) logFailure(options, delivery, settlement)
      }
      if (hasListener) listeners.emit('settled', eventOf(delivery, settlement, durationMs))
    },
    onFault(cause) {
      const text = `Handling a message of '${ref.topic}' failed: ${describeError(cause).message}`
      report({ type: 'error', error: new MqError('MQ_OPERATION_FAILED', text, { cause }), ...ref })
    },
  }
}

type Failing = Extract<Settlement, { failure: Failure }>

function logFailure({ ref, log }: RunReportsOptions, delivery: Delivery, settlement: Failing): void {
  const { failure } = settlement
  const { stack: _, ...error } = failure.error
  const what = `A message of '${ref.topic}'`
  if (settlement.kind === 'retry') {
    const text = `${what} failed and runs again in ${settlement.delayMs} ms: ${onOneLine(failure.error)}`
    log.warn(text, { ...fieldsOf(ref, delivery, failure), error })
    return
  }
  const text = `${what} is a dead letter of '${ref.group}': ${onOneLine(failure.error)}`
  log.error(text, { ...fieldsOf(ref, delivery, failure), error: failure.error })
}

/** Nobody retries or dead-letters the message, so the failure would be lost. */
function reportEphemeral(options: RunReportsOptions, delivery: Delivery, failure: Failure): void {
  const { ref, log, listeners, report } = options
  const text = `An ephemeral handler of '${ref.topic}' failed: ${onOneLine(failure.error)}`
  const cause = errorWith(failure.error)
  const event = { error: new MqError('MQ_OPERATION_FAILED', text, { cause }), ...ref }
  if (listeners.replacesLog('error') || !options.logFailures) {
    report({ type: 'error', ...event })
    return
  }
  log.error(text, { ...fieldsOf(ref, delivery, failure), error: failure.error })
  listeners.emit('error', event)
}

const fieldsOf = (ref: GroupRef, { message, attempt }: Delivery, { reason }: Failure): LogFields => ({
  ...ref,
  id: message.id,
  attempt,
  reason,
})
