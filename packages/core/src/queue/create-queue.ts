import { withTimeout } from '../adapter-kit/with-timeout.js'
import { deadLettersOf } from '../consume/dead-letters.js'
import { retryPolicy } from '../consume/retry.js'
import { requireGroup, requireStartFrom, stopTimeout, subscribe } from '../consume/subscribe.js'
import type { Adapter, Delivery, GroupRef, Settlement } from '../contract/adapter.js'
import { completeCapabilities } from '../contract/capabilities.js'
import { keysOf, refuseUnknown, requireDuration, requireInteger, requireOptions, shown } from '../contract/checks.js'
import { systemClock } from '../contract/clock.js'
import { MqError } from '../contract/errors.js'
import type { EventDefinition } from '../contract/event.js'
import type { Subscription } from '../contract/handler.js'
import { consoleLog, guarded } from '../contract/log.js'
import { requireSource } from '../contract/message.js'
import type { Middleware } from '../contract/middleware.js'
import { requireName } from '../contract/names.js'
import type { Queue, QueueEvents, QueueOptions, Target } from '../contract/queue.js'
import { publishAll, publishOne } from '../publish/publish.js'
import { createPublisher } from '../publish/publisher.js'
import { createEmitter } from './emitter.js'
import { createLifecycle } from './lifecycle.js'
import { createOpenCalls } from './open-calls.js'
import { requireAdapter } from './require-adapter.js'

const optionNames = keysOf<QueueOptions>()({
  group: true,
  source: true,
  retry: true,
  publishTimeoutMs: true,
  operationTimeoutMs: true,
  stopTimeoutMs: true,
  maxPendingMessages: true,
  maxPendingBytes: true,
  log: true,
})

const eventNames = keysOf<QueueEvents>()({
  state: true,
  error: true,
  'data-loss': true,
  blocked: true,
  settled: true,
})

/**
 * A queue over an adapter value, `redis({ url })` for example, not yet connected.
 * Throws a `TypeError` for what is no adapter, `MQ_INVALID_OPTION` or `MQ_INVALID_NAME` for options that make no sense.
 */
export function createQueue(adapter: Adapter, options: QueueOptions = {}): Queue {
  requireAdapter(adapter)
  const settings = settingsOf(options)
  const { log, operationTimeoutMs } = settings
  const clock = adapter.clock ?? systemClock
  const emitter = createEmitter<QueueEvents>(eventNames, log)
  const lifecycle = createLifecycle(adapter, emitter, log)
  const publisher = createPublisher({ adapter, clock, ...settings, timeoutMs: settings.publishTimeoutMs })
  const middleware: Middleware[] = []
  const subscriptions = new Set<Subscription>()
  const publishes = createOpenCalls()
  let disconnected: Promise<void> | undefined

  const bounded = <T>(what: string, work: Promise<T>): Promise<T> =>
    withTimeout(work, operationTimeoutMs, () => new MqError('MQ_TIMEOUT', `${what} took over ${operationTimeoutMs} ms`))
  const refOf = (target: Target, group: string | undefined): GroupRef => {
    lifecycle.requireOpen()
    return { topic: topicOf(target).name, group: requireGroup(group ?? settings.group) }
  }
  const settled =
    (ref: GroupRef, ephemeral: boolean) => (delivery: Delivery, settlement: Settlement, durationMs: number) => {
      const { message, attempt } = delivery
      const failure = 'failure' in settlement ? settlement.failure : undefined
      if (ephemeral && failure !== undefined) {
        const text = `An ephemeral handler of '${ref.topic}' failed: ${failure.error.message}`
        lifecycle.report({ type: 'error', error: new MqError('MQ_OPERATION_FAILED', text), ...ref })
      }
      if (!emitter.has('settled')) return
      const delay = settlement.kind === 'retry' ? { delayMs: settlement.delayMs } : {}
      emitter.emit('settled', {
        ...ref,
        id: message.id,
        attempt,
        settlement: settlement.kind,
        durationMs,
        ...delay,
        ...(failure && { failure }),
      })
    }

  const queue: Queue = {
    type: adapter.name,
    capabilities: completeCapabilities(adapter.capabilities),
    log,
    clock,
    connect: () => lifecycle.connect(),
    async disconnect(given = {}) {
      const timeoutMs = stopTimeout(given, settings.stopTimeoutMs)
      disconnected ??= (async () => {
        const endsAt = Date.now() + timeoutMs
        lifecycle.beginClosing()
        await Promise.all([...subscriptions].map((subscription) => subscription.stop({ timeoutMs })))
        // One whose data is still being validated has not reached the adapter, which can only wait for what it has.
        await publishes.ended(Math.max(0, endsAt - Date.now()))
        await lifecycle.close(Math.max(0, endsAt - Date.now()))
      })()
      await disconnected
    },
    publish: (target: Target, data: unknown, given = {}) =>
      publishes.track(() => {
        lifecycle.requireOpen()
        return publishOne(publisher, middleware, topicOf(target), data, given)
      }),
    publishAll: (target: Target, data: readonly unknown[], given = {}) =>
      publishes.track(() => {
        lifecycle.requireOpen()
        return publishAll(publisher, middleware, topicOf(target), data, given)
      }),
    async subscribe(target: Target, handler: unknown, given = {}) {
      lifecycle.requireNotClosing()
      lifecycle.requireOpen()
      const subscriber = {
        ...settings,
        adapter,
        clock,
        queue,
        settled,
        removed: (gone: Subscription) => void subscriptions.delete(gone),
      }
      const subscription = await subscribe(subscriber, topicOf(target), handler as never, given, [...middleware])
      subscriptions.add(subscription)
      if (disconnected !== undefined) {
        await subscription.stop({ timeoutMs: 0 })
        lifecycle.requireNotClosing()
      }
      return subscription
    },
    async declareGroup(target, group, { startFrom = 'latest' } = {}) {
      const ref = refOf(target, requireGroup(group))
      requireStartFrom(adapter, startFrom)
      await bounded(`Declaring the group '${group}'`, adapter.declareGroup(ref, { startFrom }))
    },
    async deleteGroup(target, group) {
      await bounded(`Deleting the group '${group}'`, adapter.deleteGroup(refOf(target, requireGroup(group))))
    },
    deadLetters: (target, group) => deadLettersOf(adapter.deadLetters(refOf(target, group)), operationTimeoutMs),
    stats: async (target, group) => bounded('Reading stats', adapter.stats(refOf(target, group))),
    health: () => lifecycle.health(),
    use(layer) {
      requireOptions(layer, 'The middleware')
      middleware.push(layer)
      return queue
    },
    on: (name, listener) => emitter.on(name, listener),
    [Symbol.asyncDispose]: () => queue.disconnect(),
  }
  return queue
}

function topicOf(target: Target): EventDefinition {
  if (typeof target === 'string') return { name: requireName(target, 'topic') }
  if (typeof target !== 'object' || target === null) {
    throw new TypeError(`A topic is a string or what defineEvent returns, not ${shown(target)}`)
  }
  requireName(target.name, 'topic')
  return target as EventDefinition
}

function settingsOf(options: QueueOptions) {
  requireOptions(options, 'The options of createQueue')
  refuseUnknown(options, optionNames, 'createQueue')
  const integer = (name: 'maxPendingMessages' | 'maxPendingBytes', fallback: number): number =>
    requireInteger(options[name] ?? fallback, name, { min: 1, max: Number.MAX_SAFE_INTEGER })
  return {
    group: options.group === undefined ? undefined : requireName(options.group, 'group'),
    source: requireSource(options.source ?? '/mq'),
    retry: retryPolicy(options.retry),
    publishTimeoutMs: requireDuration(options.publishTimeoutMs ?? 10_000, 'publishTimeoutMs', 1),
    operationTimeoutMs: requireDuration(options.operationTimeoutMs ?? 30_000, 'operationTimeoutMs', 1),
    stopTimeoutMs: requireDuration(options.stopTimeoutMs ?? 30_000, 'stopTimeoutMs'),
    maxPendingMessages: integer('maxPendingMessages', 10_000),
    maxPendingBytes: integer('maxPendingBytes', 64 * 1024 * 1024),
    log: guarded(options.log ?? consoleLog),
  }
}
