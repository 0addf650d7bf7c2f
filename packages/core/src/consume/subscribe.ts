import { randomUUID } from 'node:crypto'
import { withTimeout } from '../adapter-kit/with-timeout.js'
import type { Adapter, Consumer, GroupRef } from '../contract/adapter.js'
import {
  keysOf,
  refuseUnknown,
  requireBoolean,
  requireDuration,
  requireFunction,
  requireInteger,
  requireOptions,
  shown,
} from '../contract/checks.js'
import type { Clock } from '../contract/clock.js'
import { isMqError, MqError } from '../contract/errors.js'
import type { EventDefinition } from '../contract/event.js'
import type { Handler, SubscribeOptions, Subscription } from '../contract/handler.js'
import type { Log } from '../contract/log.js'
import { handleChain, type Middleware } from '../contract/middleware.js'
import { requireName } from '../contract/names.js'
import type { Queue } from '../contract/queue.js'
import { createHandle, type Handling } from './handling.js'
import { lastFailureOf } from './last-failure.js'
import { type RetryPolicy, retryPolicy } from './retry.js'

export interface SubscriberOptions {
  readonly adapter: Adapter
  readonly clock: Clock
  readonly queue: Queue
  readonly log: Log
  readonly group: string | undefined
  readonly retry: RetryPolicy
  readonly operationTimeoutMs: number
  readonly stopTimeoutMs: number
  readonly settled: (ref: GroupRef, ephemeral: boolean) => Handling['settled']
  readonly removed: (subscription: Subscription) => void
}

const optionNames = keysOf<SubscribeOptions>()({
  group: true,
  concurrency: true,
  retry: true,
  timeoutMs: true,
  startFrom: true,
  ordered: true,
  ephemeral: true,
  onLastFailure: true,
})

export const defaultConcurrency = 10

/** Checks what is asked for against what the adapter can do, declares the group and starts a consumer. */
export async function subscribe(
  subscriber: SubscriberOptions,
  event: EventDefinition,
  handler: Handler,
  given: SubscribeOptions,
  middleware: readonly Middleware[],
): Promise<Subscription> {
  const { adapter } = subscriber
  requireFunction(handler, 'The handler')
  requireOptions(given, 'The options of subscribe')
  refuseUnknown(given, optionNames, 'subscribe')
  const { startFrom = 'latest', ordered = false, ephemeral = false } = given
  requireBoolean(ordered, 'ordered')
  requireBoolean(ephemeral, 'ephemeral')
  if (given.onLastFailure !== undefined) requireFunction(given.onLastFailure, 'onLastFailure')
  const concurrency = requireInteger(given.concurrency ?? defaultConcurrency, 'concurrency', { min: 1, max: 10_000 })
  const ref = { topic: event.name, group: groupOf(given, subscriber.group) }
  const policy = ephemeral ? ephemeralPolicy(given, subscriber.retry) : retryPolicy(given.retry, subscriber.retry)
  const timeoutMs = handlerTimeoutOf(given, adapter)
  requireSupport(adapter, { startFrom, ordered })

  const handle = createHandle({
    ref,
    schema: event.schema,
    run: handleChain(middleware, handler),
    policy,
    timeoutMs,
    capabilities: subscriber.queue.capabilities,
    clock: subscriber.clock,
    queue: subscriber.queue,
    log: subscriber.log,
    lastFailure: lastFailureOf(ref, given.onLastFailure, subscriber.operationTimeoutMs),
    settled: subscriber.settled(ref, ephemeral),
  })
  const start = async (): Promise<Consumer> => {
    if (!ephemeral) await adapter.declareGroup(ref, { startFrom })
    return adapter.consume(ref, { concurrency, ordered, ephemeral }, handle)
  }
  const starting = start()
  const late = (): MqError =>
    new MqError(
      'MQ_TIMEOUT',
      `Subscribing '${ref.group}' to '${ref.topic}' took over ${subscriber.operationTimeoutMs} ms`,
    )
  const consumer = await withTimeout(starting, subscriber.operationTimeoutMs, late).catch((error) => {
    // A consumer that comes up after all must not run on unknown to anybody.
    if (isMqError(error, 'MQ_TIMEOUT')) void starting.then((orphan) => orphan.stop({ timeoutMs: 0 })).catch(() => {})
    throw error
  })
  return subscriptionOf(subscriber, ref, consumer)
}

function subscriptionOf(subscriber: SubscriberOptions, ref: GroupRef, consumer: Consumer): Subscription {
  let stopped: Promise<void> | undefined
  const stop = async (options: { readonly timeoutMs?: number } = {}): Promise<void> => {
    const timeoutMs = stopTimeout(options, subscriber.stopTimeoutMs)
    stopped ??= stopConsumer(consumer, timeoutMs).finally(() => subscriber.removed(subscription))
    await stopped
  }
  const subscription: Subscription = Object.freeze({ ...ref, stop, [Symbol.asyncDispose]: () => stop() })
  return subscription
}

export function stopTimeout(options: { readonly timeoutMs?: number }, fallbackMs: number): number {
  requireOptions(options, 'The options of stop')
  return options.timeoutMs === undefined ? fallbackMs : requireDuration(options.timeoutMs, 'timeoutMs')
}

/** How much later than its deadline an adapter may be before it is no longer waited for. */
export const stopGraceMs = 5_000

async function stopConsumer(consumer: Consumer, timeoutMs: number): Promise<void> {
  const late = (): MqError => new MqError('MQ_TIMEOUT', 'The consumer did not stop in time')
  try {
    await withTimeout(consumer.stop({ timeoutMs }), timeoutMs + stopGraceMs, late)
  } catch {
    // Stopping always resolves: what could not be given back, the broker gives to another consumer by itself.
  }
}

function groupOf(given: SubscribeOptions, fallback: string | undefined): string {
  if (given.ephemeral === true) {
    if (given.group !== undefined) {
      throw new MqError('MQ_INVALID_OPTION', 'An ephemeral subscription belongs to no group; leave group out')
    }
    return `ephemeral.${randomUUID()}`
  }
  return requireGroup(given.group ?? fallback)
}

/** A default that all services share would make them steal each other's messages, so there is none. */
export function requireGroup(group: string | undefined): string {
  if (group === undefined) {
    throw new TypeError("No group: name one in the options, or for the whole queue in createQueue's options")
  }
  return requireName(group, 'group')
}

function ephemeralPolicy(given: SubscribeOptions, base: RetryPolicy): RetryPolicy {
  if (given.retry !== undefined && given.retry !== false) {
    throw new MqError('MQ_INVALID_OPTION', 'An ephemeral subscription does not retry; leave retry out')
  }
  if (given.startFrom !== undefined && given.startFrom !== 'latest') {
    throw new MqError('MQ_INVALID_OPTION', 'An ephemeral subscription starts with the latest; leave startFrom out')
  }
  return retryPolicy(false, base)
}

function handlerTimeoutOf(given: SubscribeOptions, adapter: Adapter): number {
  const { maxHandlerMs } = adapter.capabilities
  if (given.timeoutMs === undefined) return maxHandlerMs
  requireDuration(given.timeoutMs, 'timeoutMs', 1)
  if (given.timeoutMs > maxHandlerMs) {
    const limit = `${adapter.name} takes a message away from a handler after ${maxHandlerMs} ms`
    throw new MqError('MQ_NOT_SUPPORTED', `${limit}; a timeoutMs of ${given.timeoutMs} cannot be kept`)
  }
  return given.timeoutMs
}

function requireSupport(adapter: Adapter, asked: { readonly startFrom: unknown; readonly ordered: boolean }): void {
  requireStartFrom(adapter, asked.startFrom)
  if (asked.ordered && !adapter.capabilities.orderedKeys) {
    throw new MqError('MQ_NOT_SUPPORTED', `${adapter.name} does not keep the order of keys (capabilities.orderedKeys)`)
  }
}

export function requireStartFrom(adapter: Adapter, startFrom: unknown): void {
  if (startFrom !== 'latest' && startFrom !== 'earliest') {
    throw new MqError('MQ_INVALID_OPTION', `startFrom is 'latest' or 'earliest', not ${shown(startFrom)}`)
  }
  if (startFrom === 'earliest' && !adapter.capabilities.startFromEarliest) {
    const why = 'cannot start a group with earlier messages (capabilities.startFromEarliest)'
    throw new MqError('MQ_NOT_SUPPORTED', `${adapter.name} ${why}`)
  }
}
