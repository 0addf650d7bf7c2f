import { withTimeout } from '../adapter-kit/with-timeout.js'
import type { Adapter, AdapterEvent, Consumer, GroupRef, TargetRef } from '../contract/adapter.js'
import { requireFunction } from '../contract/checks/values.js'
import type { Clock } from '../contract/clock.js'
import { isMqError, MqError } from '../contract/errors.js'
import type { EventDefinition } from '../contract/event.js'
import type { Decoding } from '../contract/foreign.js'
import type { Handler, Subscription } from '../contract/handler.js'
import type { Log, LogFields } from '../contract/log.js'
import { handleChain, type Middleware } from '../contract/middleware.js'
import type { Queue } from '../contract/queue.js'
import { stopGraceMs, stopTimeout } from '../contract/stopping.js'
import { lastFailureOf } from './last-failure.js'
import { OpenRuns } from './open-runs.js'
import type { RunMark, RunMarks } from './own-run.js'
import { markedBy } from './run.js'
import { createRunReports, type RunListeners } from './run-reports.js'
import { createHandle } from './settle.js'
import { type GivenOptions, type Reader, type SubscribeDefaults, subscribeSettings } from './subscribe-options.js'

export interface SubscriberOptions extends SubscribeDefaults {
  readonly adapter: Adapter
  readonly clock: Clock
  readonly queue: Queue
  readonly log: Log
  readonly operationTimeoutMs: number
  readonly stopTimeoutMs: number
  readonly logFailures: boolean
  readonly storeStacks: boolean
  readonly listeners: RunListeners
  /** Reports an event as if the adapter had emitted it. */
  readonly report: (event: AdapterEvent) => void
  readonly marks: RunMarks
  readonly onStopped: (started: StartedSubscription) => void
}

export interface StartedSubscription {
  readonly subscription: Subscription
  /** Stops the subscription and waits for that, also if it is called from inside a run. */
  stop(timeoutMs: number): Promise<void>
}

/** The target of a subscription. */
export interface SubscribedTarget extends Reader {
  readonly event: EventDefinition
  readonly decode: Decoding | undefined
  refOf(group: string): TargetRef
}

/** Checks the options against what the adapter can do, declares the group and starts a consumer. */
export async function subscribe(
  subscriber: SubscriberOptions,
  target: SubscribedTarget,
  handler: Handler,
  options: GivenOptions,
  middleware: readonly Middleware[],
): Promise<StartedSubscription> {
  const { adapter, clock, queue, log, operationTimeoutMs, listeners, report, logFailures, storeStacks } = subscriber
  requireFunction(handler, 'The handler')
  const { group, startFrom, policy, timeoutMs, tombstones, consume } = subscribeSettings(options, subscriber, target)
  const { ephemeral } = consume
  const { event, decode, capabilities } = target
  const ref = { topic: event.name, group }
  const open = new OpenRuns()
  const mark = subscriber.marks.next()
  const settings = {
    ref,
    schema: event.schema,
    run: markedBy(mark, handleChain(middleware, handler)),
    open,
    mark,
    policy,
    decode,
    timeoutMs,
    tombstones,
    capabilities,
    clock,
    queue,
    log,
    lastFailure: lastFailureOf({ topic: event.name, decode }, options.onLastFailure, {
      timeoutMs: operationTimeoutMs,
      open,
      mark,
    }),
    storeStacks,
    ephemeral,
    ...createRunReports({ ref, ephemeral, listeners, log, logFailures, report }),
  }
  const handle = createHandle(settings, middleware)
  const start = async (): Promise<Consumer> => {
    const targetRef = target.refOf(group)
    if (!ephemeral) await adapter.declareGroup(targetRef, { startFrom })
    return adapter.consume(targetRef, consume, handle)
  }
  const starting = start()
  const late = (): MqError =>
    new MqError('MQ_TIMEOUT', `Subscribing '${group}' to '${ref.topic}' took over ${operationTimeoutMs} ms`)
  const consumer = await withTimeout(starting, operationTimeoutMs, late).catch((error) => {
    // A consumer that starts after all must be stopped, because the caller does not have it.
    if (isMqError(error, 'MQ_TIMEOUT')) void starting.then((orphan) => orphan.stop({ timeoutMs: 0 })).catch(() => {})
    throw error
  })
  return startedSubscription(subscriber, ref, { consumer, open, mark })
}

interface Started {
  readonly consumer: Consumer
  readonly open: OpenRuns
  readonly mark: RunMark
}

function startedSubscription(
  { log, stopTimeoutMs, onStopped }: SubscriberOptions,
  ref: GroupRef,
  { consumer, open, mark }: Started,
): StartedSubscription {
  let stopped: Promise<void> | undefined

  const stop = (timeoutMs: number): Promise<void> => {
    stopped ??= stopConsumer(consumer, timeoutMs).finally(() => {
      open.endTimers()
      if (open.count > 0 && timeoutMs > 0) log.warn(...stillRunning(ref, open.count, timeoutMs))
      onStopped(started)
    })
    return stopped
  }

  const subscription: Subscription = Object.freeze({
    ...ref,
    async stop(options: { readonly timeoutMs?: number } = {}): Promise<void> {
      // A run that waited for the end of its subscription would wait for itself.
      const isOwnRun = mark.isInside()
      const stopping = stop(stopTimeout(options, stopTimeoutMs))
      if (!isOwnRun) await stopping
    },
    [Symbol.asyncDispose]: () => subscription.stop(),
  })
  const started: StartedSubscription = { subscription, stop }
  return started
}

function stillRunning(ref: GroupRef, count: number, timeoutMs: number): [text: string, fields: LogFields] {
  const text = `${count} handlers of '${ref.topic}' had not ended ${timeoutMs} ms after stop; their messages run again`
  const hint = 'A handler that waits for stop or disconnect through a callback waits for itself'
  return [`${text}. ${hint}`, { ...ref }]
}

async function stopConsumer(consumer: Consumer, timeoutMs: number): Promise<void> {
  const late = (): MqError => new MqError('MQ_TIMEOUT', 'The consumer did not stop in time')
  try {
    await withTimeout(consumer.stop({ timeoutMs }), timeoutMs + stopGraceMs, late)
  } catch {
    // Stopping always resolves. The broker itself gives to another consumer any message that this one did not give back.
  }
}
