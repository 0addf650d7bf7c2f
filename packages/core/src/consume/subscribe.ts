import { withTimeout } from '../adapter-kit/with-timeout.js'
import type { Adapter, AdapterEvent, Consumer, GroupRef } from '../contract/adapter.js'
import { requireFunction } from '../contract/checks/values.js'
import type { Clock } from '../contract/clock.js'
import { isMqError, MqError } from '../contract/errors.js'
import type { EventDefinition } from '../contract/event.js'
import type { Handler, Subscription } from '../contract/handler.js'
import type { Log } from '../contract/log.js'
import { handleChain, type Middleware } from '../contract/middleware.js'
import type { Queue } from '../contract/queue.js'
import { stopGraceMs, stopTimeout } from '../contract/stopping.js'
import { lastFailureOf } from './last-failure.js'
import { createRunReports, type RunListeners } from './run-reports.js'
import { createHandle } from './settle.js'
import { type GivenOptions, type SubscribeDefaults, subscribeSettings } from './subscribe-options.js'

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

/** Checks the options against what the adapter can do, declares the group and starts a consumer. */
export async function subscribe(
  subscriber: SubscriberOptions,
  event: EventDefinition,
  handler: Handler,
  options: GivenOptions,
  middleware: readonly Middleware[],
): Promise<Subscription> {
  const { adapter, clock, queue, log, operationTimeoutMs, listeners, report, logFailures, storeStacks } = subscriber
  requireFunction(handler, 'The handler')
  const { group, startFrom, policy, timeoutMs, tombstones, consume } = subscribeSettings(options, subscriber, adapter)
  const { ephemeral } = consume
  const ref = { topic: event.name, group }
  const handle = createHandle({
    ref,
    schema: event.schema,
    run: handleChain(middleware, handler),
    policy,
    timeoutMs,
    tombstones,
    capabilities: queue.capabilities,
    clock,
    queue,
    log,
    lastFailure: lastFailureOf(ref, options.onLastFailure, operationTimeoutMs),
    storeStacks,
    ...createRunReports({ ref, ephemeral, listeners, log, logFailures, report }),
  })
  const start = async (): Promise<Consumer> => {
    if (!ephemeral) await adapter.declareGroup(ref, { startFrom })
    return adapter.consume(ref, consume, handle)
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
