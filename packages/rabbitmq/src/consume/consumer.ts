import {
  type AdapterEvent,
  backoff,
  type Consumer,
  type ConsumerHealth,
  isMqError,
  MqError,
  type TargetRef,
  withTimeout,
} from '@mq/core/adapter'
import { answerTimeoutMs } from '../connection/answers.js'
import { operationError } from '../connection/errors.js'
import type { Link } from '../connection/link.js'
import { pause, unlessAborted } from '../connection/waiting.js'
import type { Declarations } from '../topology/declarations.js'
import type { Namespace } from '../topology/names.js'
import { type ConsumeOnParts, consumeOn } from './consume-on.js'
import { createSourceQueue } from './source-queue.js'

export interface ConsumerParts
  extends Pick<ConsumeOnParts, 'options' | 'handle' | 'copy' | 'locks' | 'gate' | 'consumerTimeoutMs'> {
  /** The group with its foreign place, if it has one. */
  readonly ref: TargetRef
  readonly link: Link
  readonly vhost: string
  readonly names: Namespace
  readonly declarations: Declarations
  readonly report: (event: AdapterEvent) => void
}

export interface SupervisedConsumer extends Consumer {
  readonly health: ConsumerHealth
  /** Resolves when messages flow for the first time. Rejects if the broker refuses that; then the consumer has stopped. */
  readonly ready: Promise<void>
}

/** The time that the broker may take in addition to the time limit of a stop. */
const stopGraceMs = 1_000

const maxRetryMs = 5_000

/** Creates a consumer that starts again after every interruption, until it is stopped. */
export function createConsumer(parts: ConsumerParts): SupervisedConsumer {
  const { ref: target, options, link, vhost, names, declarations, gate, report } = parts
  const ref = { topic: target.topic, group: target.group }
  let status: ConsumerHealth['status'] = 'recovering'
  let wasReady = false
  let stopping: Promise<void> | undefined
  let stopTimeoutMs = 0
  let becomeReady!: () => void
  let refuse!: (error: MqError) => void
  const ready = new Promise<void>((resolve, reject) => {
    becomeReady = resolve
    refuse = reject
  })
  const stopRequest = new AbortController()
  const stopRequested = stopRequest.signal
  const isStopping = (): boolean => stopRequested.aborted
  const reportError = (error: MqError): void => report({ type: 'error', error, ...ref })

  const consumeParts: ConsumeOnParts = {
    ...parts,
    ref,
    target,
    queue: createSourceQueue({
      ref,
      target,
      isEphemeral: options.ephemeral,
      isOrdered: options.ordered,
      link,
      names,
      declarations,
      report,
    }),
    ownQueue: names.group(ref),
    place: `${vhost} ${names.group(ref)}`,
    stopRequested,
    stopTimeoutMs: () => stopTimeoutMs,
    wasReady: () => wasReady,
    lostAfterStallMs: () => link.lostAfterStallMs,
    onReady() {
      if (!isStopping()) status = 'consuming'
      wasReady = true
      becomeReady()
    },
    onInterrupted() {
      status = 'recovering'
    },
    report: reportError,
  }

  // While there is a listener, this process asks for changes.
  const stopListening = gate.onChange(() => undefined)
  const supervision = supervise().finally(stopListening)

  async function supervise(): Promise<void> {
    const pauses = backoff({ minMs: 100, maxMs: maxRetryMs })
    while (!isStopping()) {
      const startedAt = performance.now()
      try {
        const connection = await unlessAborted(link.ready(answerTimeoutMs), stopRequested)
        if (connection === undefined) break
        await gate.ready()
        await consumeOn(connection, consumeParts)
      } catch (cause) {
        const error = operationError(cause, `Consuming '${ref.topic}' for '${ref.group}'`)
        if (!wasReady && !isMqError(error, 'MQ_CONNECTION_LOST')) {
          refuse(error)
          return
        }
        if (isMqError(error, 'MQ_CLOSED')) break
        if (link.connection !== undefined) reportError(error)
      }
      if (isStopping()) break
      status = 'recovering'
      if (performance.now() - startedAt > maxRetryMs) pauses.reset()
      await pause(pauses.next(), stopRequested)
    }
    if (!wasReady) refuse(new MqError('MQ_STOPPED', 'The consumer was stopped before messages flowed'))
  }

  return {
    ready,
    get health(): ConsumerHealth {
      const { paused } = gate
      if (status === 'consuming' && paused !== undefined) return { ...ref, status: 'paused', paused }
      return { ...ref, status }
    },
    stop({ timeoutMs }) {
      if (stopping === undefined) {
        status = 'stopping'
        stopTimeoutMs = timeoutMs
        stopRequest.abort()
        // A broker that does not answer may hold it up while it declares.
        const late = (): Error => new Error('The supervision goes on by itself')
        stopping = withTimeout(supervision, timeoutMs + stopGraceMs, late).catch(() => undefined)
      }
      return stopping
    },
  }
}
