import { unknownStats } from '../adapter-kit/unknown-stats.js'
import { withTimeout } from '../adapter-kit/with-timeout.js'
import { deadLettersOf } from '../consume/dead-letters.js'
import { createRunMarks } from '../consume/own-run.js'
import { type StartedSubscription, subscribe } from '../consume/subscribe.js'
import { requireStartFrom } from '../consume/subscribe-options.js'
import type { Adapter, QueueStats, StartFrom, TargetRef } from '../contract/adapter.js'
import { completeCapabilities } from '../contract/capabilities.js'
import { keysOf, requireOptions } from '../contract/checks/options.js'
import { systemClock } from '../contract/clock.js'
import { MqError } from '../contract/errors.js'
import type { EventDefinition } from '../contract/event.js'
import type { Middleware } from '../contract/middleware.js'
import { isOfSchedule, requireGroup, requireName } from '../contract/names.js'
import type { PauseOptions } from '../contract/operating/inspect.js'
import type { PublishAllOptions, PublishOptions } from '../contract/publish-options.js'
import type { Queue, QueueEvents, QueueOptions, Target } from '../contract/queue.js'
import { stopTimeout } from '../contract/stopping.js'
import { allowForward } from '../publish/forward.js'
import { createPublisher } from '../publish/publish.js'
import { createEmitter, type Emitter, listenerError, logListenerFailure } from './emitter.js'
import { createInspection } from './inspection.js'
import { createLifecycle, createOpenCalls } from './lifecycle.js'
import { queueSettings } from './queue-settings.js'
import { requireAdapter } from './require-adapter.js'
import { takeAdapter } from './taken-adapters.js'
import { createTargets, type ResolvedTarget } from './targets.js'
import { requireOwnGroup } from './task-target.js'

const eventNames = keysOf<QueueEvents>()({
  state: true,
  error: true,
  'data-loss': true,
  blocked: true,
  settled: true,
})

/**
 * Creates a queue over an adapter value, `redis({ url })` for example. It is not connected yet.
 * Throws a `TypeError` if the value is not an adapter, and `MQ_INVALID_OPTION` if another queue has it. Throws `MQ_INVALID_OPTION` or `MQ_INVALID_NAME` if an option has a bad value.
 */
export function createQueue(adapter: Adapter, options: QueueOptions = {}): Queue {
  requireAdapter(adapter)
  const settings = queueSettings(options)
  takeAdapter(adapter)
  const { log, operationTimeoutMs } = settings
  const clock = adapter.clock ?? systemClock
  const capabilities = completeCapabilities(adapter.capabilities)
  const targets = createTargets(adapter, capabilities)
  const inspection = createInspection({ adapter, capabilities, clock, operationTimeoutMs })
  const emitter: Emitter<QueueEvents> = createEmitter(eventNames, (failure) => {
    // A listener for errors does not hear of itself.
    const isHeard = failure.name !== 'error' && emitter.has('error')
    if (isHeard) emitter.emit('error', { error: listenerError(failure) })
    if (isHeard && emitter.replacesLog('error')) return
    if (settings.logFailures) logListenerFailure(log, failure)
    else log.error(listenerError(failure).message, { code: 'MQ_OPERATION_FAILED' })
  })
  const lifecycle = createLifecycle(adapter, emitter, log)
  const middleware: Middleware[] = []
  const publisher = createPublisher({ ...settings, adapter, clock, middleware })
  const subscriptions = new Set<StartedSubscription>()
  const marks = createRunMarks()
  const publishes = createOpenCalls()
  let disconnected: Promise<void> | undefined

  const bounded = <T>(what: string, work: Promise<T>): Promise<T> =>
    withTimeout(work, operationTimeoutMs, () => new MqError('MQ_TIMEOUT', `${what} took over ${operationTimeoutMs} ms`))
  const resolved = (target: Target): ResolvedTarget => {
    lifecycle.requireOpen()
    return targets.resolve(target)
  }
  const whileOpen = <T>(work: () => Promise<T>): Promise<T> =>
    publishes.track(() => {
      lifecycle.requireOpen()
      return work()
    })
  /** A name needs no look-up while the queue knows no foreign topic. */
  const publishable = (target: Target): EventDefinition =>
    typeof target === 'string' && targets.places.size === 0
      ? { name: requireName(target, 'topic') }
      : targets.publishable(target)
  const refOf = (target: Target, group: string | undefined): TargetRef => {
    const { group: own, refOf } = resolved(target)
    return refOf(requireGroup(group ?? own ?? settings.group))
  }
  const disconnect = async (timeoutMs: number): Promise<void> => {
    const endsAt = performance.now() + timeoutMs
    lifecycle.beginClosing()
    await Promise.all([...subscriptions].map(({ stop }) => stop(timeoutMs)))
    // The adapter waits for publishes that it has; those whose data is still being validated have not reached it.
    await publishes.ended(Math.max(0, endsAt - performance.now()))
    await lifecycle.close(Math.max(0, endsAt - performance.now()))
  }

  const queue: Queue = {
    type: adapter.name,
    capabilities,
    capabilitiesOf: (target) => targets.resolve(target).capabilities,
    log,
    clock,
    connect: () => lifecycle.connect(),
    async disconnect(given = {}) {
      const timeoutMs = stopTimeout(given, settings.stopTimeoutMs)
      // A run that waited for the end of its queue would wait for itself.
      const isOwnRun = marks.isInside()
      disconnected ??= disconnect(timeoutMs)
      if (!isOwnRun) await disconnected
    },
    publish: (target: Target, data, given = {}) => whileOpen(() => publisher.publish(publishable(target), data, given)),
    publishTombstone: (target, key, given = {}) =>
      whileOpen(() => publisher.publishTombstone(publishable(target), key, given)),
    publishAll: (target: Target, data, given = {}) =>
      whileOpen(() => publisher.publishAll(publishable(target), data, given as PublishAllOptions)),
    async subscribe(target: Target, handler: unknown, given: object = {}) {
      lifecycle.requireNotClosing()
      lifecycle.requireOpen()
      requireOwnGroup(target, given)
      const subscriber = {
        ...settings,
        adapter,
        clock,
        queue,
        // The data of a topic by its name is unknown, so it may be null.
        tombstones: typeof target === 'string',
        listeners: emitter,
        report: lifecycle.report,
        marks,
        onStopped: (started: StartedSubscription) => void subscriptions.delete(started),
      }
      const started = await subscribe(subscriber, targets.resolve(target), handler as never, given, [...middleware])
      subscriptions.add(started)
      if (disconnected !== undefined) {
        await started.stop(0)
        lifecycle.requireNotClosing()
      }
      return started.subscription
    },
    async declareGroup(target: Target, group?: string, { startFrom = 'latest' }: { startFrom?: StartFrom } = {}) {
      const declared = resolved(target)
      const ref = declared.refOf(requireGroup(group ?? declared.group))
      requireStartFrom(declared, startFrom)
      await bounded(`Declaring the group '${ref.group}'`, adapter.declareGroup(ref, { startFrom }))
    },
    async deleteGroup(target: Target, group?: string) {
      const deleted = resolved(target)
      const ref = deleted.refOf(requireGroup(group ?? deleted.group))
      await bounded(`Deleting the group '${ref.group}'`, adapter.deleteGroup(ref))
    },
    async pauseGroup(target: Target, group?: string, options?: PauseOptions) {
      const paused = resolved(target)
      await inspection.pauseGroup(paused, paused.refOf(requireGroup(group ?? paused.group)), options)
    },
    async resumeGroup(target: Target, group?: string) {
      const paused = resolved(target)
      await inspection.resumeGroup(paused, paused.refOf(requireGroup(group ?? paused.group)))
    },
    waiting: (target, group) => inspection.waiting(resolved(target), refOf(target, group)),
    async topics(options) {
      lifecycle.requireOpen()
      return await inspection.topics(options)
    },
    groups: async (target, options) => await inspection.groups(resolved(target), options),
    deadLetters(target, group) {
      const { decode, event } = resolved(target)
      const ref = refOf(target, group)
      const publish = async (data: unknown, options: PublishOptions) =>
        publisher.publish(ref.at === undefined ? event : targets.publishable(target), data, options)
      return deadLettersOf(adapter, { ref, timeoutMs: operationTimeoutMs, decode, clock, publish })
    },
    async stats(target, group) {
      const ref = refOf(target, group)
      const counted = { ...unknownStats, ...(await bounded('Reading stats', adapter.stats(ref))) }
      return isOfSchedule(ref) ? withoutTicksAhead(counted) : counted
    },
    health: () => lifecycle.health(),
    use(layer) {
      requireOptions(layer, 'The middleware')
      middleware.push(layer)
      return queue
    },
    on: (name, listener, given) => emitter.on(name, listener, given),
    [Symbol.asyncDispose]: () => queue.disconnect(),
  }
  allowForward(queue, (topic, messages, given) => whileOpen(() => publisher.forward(topic, messages, given)))
  return queue
}

/** A schedule leaves its next tick at the broker ahead of its time. It is no message of the user's, and there is always one. */
const withoutTicksAhead = (counted: QueueStats): QueueStats => ({
  ...counted,
  delayed: counted.delayed && 0,
  retrying: counted.retrying && 0,
})
