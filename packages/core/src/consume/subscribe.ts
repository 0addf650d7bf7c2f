import { withTimeout } from '../adapter-kit/with-timeout.js'
import type { Adapter, AdapterEvent, Consumer, GroupRef, TargetRef } from '../contract/adapter.js'
import { requireFunction } from '../contract/checks/values.js'
import type { Clock } from '../contract/clock.js'
import { isMqError, MqError } from '../contract/errors.js'
import type { EventDefinition } from '../contract/event.js'
import type { Decoding } from '../contract/foreign.js'
import type { Handler, Subscription } from '../contract/handler.js'
import type { Log } from '../contract/log.js'
import { handleChain, type Middleware } from '../contract/middleware.js'
import type { Queue } from '../contract/queue.js'
import { stopGraceMs, stopTimeout } from '../contract/stopping.js'
import { lastFailureOf } from './last-failure.js'
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
  readonly onStopped: (subscription: Subscription) => void
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
): Promise<Subscription> {
  const { adapter, clock, queue, log, operationTimeoutMs, listeners, report, logFailures, storeStacks } = subscriber
  requireFunction(handler, 'The handler')
  const { group, startFrom, policy, timeoutMs, tombstones, consume } = subscribeSettings(options, subscriber, target)
  const { ephemeral } = consume
  const { event, decode, capabilities } = target
  const ref = { topic: event.name, group }
  const handle = createHandle({
    ref,
    schema: event.schema,
    run: handleChain(middleware, handler),
    policy,
    decode,
    timeoutMs,
    tombstones,
    capabilities,
    clock,
    queue,
    log,
    lastFailure: lastFailureOf({ topic: event.name, decode }, options.onLastFailure, operationTimeoutMs),
    storeStacks,
    ...createRunReports({ ref, ephemeral, listeners, log, logFailures, report }),
  })
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
  return subscriptionOf(subscriber, ref, consumer)
}

function subscriptionOf(subscriber: SubscriberOptions, ref: GroupRef, consumer: Consumer): Subscription {
  let stopped: Promise<void> | undefined
  const stop = async (options: { readonly timeoutMs?: number } = {}): Promise<void> => {
    const timeoutMs = stopTimeout(options, subscriber.stopTimeoutMs)
    stopped ??= stopConsumer(consumer, timeoutMs).finally(() => subscriber.onStopped(subscription))
    await stopped
  }
  const subscription: Subscription = Object.freeze({ ...ref, stop, [Symbol.asyncDispose]: () => stop() })
  return subscription
}

async function stopConsumer(consumer: Consumer, timeoutMs: number): Promise<void> {
  const late = (): MqError => new MqError('MQ_TIMEOUT', 'The consumer did not stop in time')
  try {
    await withTimeout(consumer.stop({ timeoutMs }), timeoutMs + stopGraceMs, late)
  } catch {
    // Stopping always resolves. The broker itself gives to another consumer any message that this one did not give back.
  }
}
