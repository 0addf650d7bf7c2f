import { randomUUID } from 'node:crypto'
import type { ConsumeOptions, StartFrom } from '../contract/adapter.js'
import type { Capabilities } from '../contract/capabilities.js'
import { keysOf, refuseUnknown, requireOptions } from '../contract/checks/options.js'
import { shown } from '../contract/checks/shown.js'
import { requireBoolean, requireDuration, requireFunction, requireInteger } from '../contract/checks/values.js'
import { MqError } from '../contract/errors.js'
import { defaultConcurrency, type SubscribeOptions, type TombstoneSubscribeOptions } from '../contract/handler.js'
import { ephemeralGroup, requireGroup } from '../contract/names.js'
import { type RetryPolicy, retryPolicy } from './retry.js'

const optionNames = keysOf<SubscribeOptions>()({
  group: true,
  concurrency: true,
  retry: true,
  timeoutMs: true,
  startFrom: true,
  ordered: true,
  ephemeral: true,
  onLastFailure: true,
  tombstones: true,
})

/** The options of a subscription of any kind. */
export type GivenOptions = SubscribeOptions | TombstoneSubscribeOptions

/** The options of a subscription, checked and with every default filled in. */
export interface SubscribeSettings {
  readonly group: string
  readonly startFrom: StartFrom
  readonly policy: RetryPolicy
  readonly timeoutMs: number
  /** Whether the handler takes tombstones. */
  readonly tombstones: boolean
  readonly consume: ConsumeOptions
}

/** The values that fill in what a subscription leaves out: the queue's own options, and what its target says. */
export interface SubscribeDefaults {
  readonly group: string | undefined
  readonly retry: RetryPolicy
  readonly tombstones: boolean
}

/** Reads a target: an adapter with what it can do there. */
export interface Reader {
  /** The name of the adapter, and of the foreign place if there is one, for errors. */
  readonly reader: string
  readonly capabilities: Capabilities
}

/**
 * Checks the options of a subscription against what the adapter can do. Throws a `TypeError` for a wrong type, `MQ_INVALID_OPTION` for a
 * bad value, and `MQ_NOT_SUPPORTED` for what the adapter cannot do.
 */
export function subscribeSettings(
  options: GivenOptions,
  defaults: SubscribeDefaults,
  reader: Reader,
): SubscribeSettings {
  requireOptions(options, 'The options of subscribe')
  refuseUnknown(options, optionNames, 'subscribe')
  const { startFrom = 'latest', ordered = false, ephemeral = false, tombstones = defaults.tombstones } = options
  requireBoolean(ordered, 'ordered')
  requireBoolean(ephemeral, 'ephemeral')
  requireBoolean(tombstones, 'tombstones')
  if (options.onLastFailure !== undefined) requireFunction(options.onLastFailure, 'onLastFailure')
  const concurrency = requireInteger(options.concurrency ?? defaultConcurrency, 'concurrency', { min: 1, max: 10_000 })
  const group = ephemeral ? nameOfEphemeral(options) : requireGroup(options.group ?? defaults.group)
  const policy = ephemeral ? ephemeralPolicy(options, defaults.retry) : retryPolicy(options.retry, defaults.retry)
  const timeoutMs = handlerTimeout(options, reader)
  requireStartFrom(reader, startFrom)
  if (ordered) requireOrderedKeys(reader)
  return { group, startFrom, policy, timeoutMs, tombstones, consume: { concurrency, ordered, ephemeral } }
}

function nameOfEphemeral({ group }: GivenOptions): string {
  if (group === undefined) return ephemeralGroup(randomUUID())
  throw new MqError('MQ_INVALID_OPTION', 'An ephemeral subscription belongs to no group; leave group out')
}

function ephemeralPolicy({ retry, startFrom }: GivenOptions, base: RetryPolicy): RetryPolicy {
  if (retry !== undefined && retry !== false) {
    throw new MqError('MQ_INVALID_OPTION', 'An ephemeral subscription does not retry; leave retry out')
  }
  if (startFrom !== undefined && startFrom !== 'latest') {
    throw new MqError('MQ_INVALID_OPTION', 'An ephemeral subscription starts with the latest; leave startFrom out')
  }
  return retryPolicy(false, base)
}

function handlerTimeout({ timeoutMs }: GivenOptions, { reader, capabilities }: Reader): number {
  const { maxHandlerMs } = capabilities
  if (timeoutMs === undefined) return maxHandlerMs
  requireDuration(timeoutMs, 'timeoutMs', 1)
  if (timeoutMs > maxHandlerMs) {
    const limit = `${reader} takes a message away from a handler after ${maxHandlerMs} ms`
    throw new MqError('MQ_NOT_SUPPORTED', `${limit}; a timeoutMs of ${timeoutMs} cannot be kept`)
  }
  return timeoutMs
}

function requireOrderedKeys({ reader, capabilities }: Reader): void {
  if (capabilities.orderedKeys) return
  throw new MqError('MQ_NOT_SUPPORTED', `${reader} does not keep the order of keys (capabilities.orderedKeys)`)
}

/** Throws `MQ_INVALID_OPTION` for a bad value, and `MQ_NOT_SUPPORTED` if the adapter cannot start a group with earlier messages. */
export function requireStartFrom({ reader, capabilities }: Reader, startFrom: unknown): void {
  if (startFrom !== 'latest' && startFrom !== 'earliest') {
    throw new MqError('MQ_INVALID_OPTION', `startFrom is 'latest' or 'earliest', not ${shown(startFrom)}`)
  }
  if (startFrom === 'earliest' && !capabilities.startFromEarliest) {
    const why = 'cannot start a group with earlier messages (capabilities.startFromEarliest)'
    throw new MqError('MQ_NOT_SUPPORTED', `${reader} ${why}`)
  }
}
