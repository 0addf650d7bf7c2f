import { randomUUID } from 'node:crypto'
import type { Adapter } from '../contract/adapter.js'
import { keysOf, refuseUnknown, requireOptions } from '../contract/checks/options.js'
import { shown } from '../contract/checks/shown.js'
import { requireDuration, requireTime } from '../contract/checks/values.js'
import type { Clock } from '../contract/clock.js'
import { MqError } from '../contract/errors.js'
import type { EventDefinition } from '../contract/event.js'
import { emptyHeaders, requireHeaders } from '../contract/headers.js'
import type { PublishRequest } from '../contract/middleware.js'
import { requireShortText } from '../contract/names.js'
import type { PublishAllOptions, PublishOptions, TombstoneOptions } from '../contract/publish-options.js'
import { validate } from '../contract/schema.js'
import { runnerOf } from '../contract/transaction.js'
import { requireExtensions } from '../wire/cloud-events.js'
import { copyOf } from '../wire/codec.js'
import { causeExtensions } from './cause.js'

const publishNames = keysOf<PublishOptions>()({
  id: true,
  key: true,
  delayMs: true,
  at: true,
  headers: true,
  extensions: true,
  timeoutMs: true,
  signal: true,
  transaction: true,
})

const publishAllNames = keysOf<PublishAllOptions>()({
  id: true,
  key: true,
  delayMs: true,
  at: true,
  headers: true,
  extensions: true,
  timeoutMs: true,
  signal: true,
  transaction: true,
})

const tombstoneNames = keysOf<TombstoneOptions>()({
  id: true,
  delayMs: true,
  at: true,
  headers: true,
  extensions: true,
  timeoutMs: true,
  signal: true,
  transaction: true,
})

export function requireTombstoneOptions(options: TombstoneOptions, { adapter }: RequestLimits): void {
  requireOptions(options, 'The options of publishTombstone')
  refuseUnknown(options, tombstoneNames, 'publishTombstone')
  requireSignal(options.signal)
  requireJoinable(options.transaction, adapter)
}

export function requirePublishOptions(options: PublishOptions, { adapter }: RequestLimits): void {
  requireOptions(options, 'The options of publish')
  refuseUnknown(options, publishNames, 'publish')
  requireSignal(options.signal)
  requireJoinable(options.transaction, adapter)
}

export function requirePublishAllOptions(options: PublishAllOptions, { adapter }: RequestLimits): void {
  requireOptions(options, 'The options of publishAll')
  refuseUnknown(options, publishAllNames, 'publishAll')
  requireSignal(options.signal)
  requireJoinable(options.transaction, adapter)
}

export interface RequestLimits {
  readonly adapter: Adapter
  readonly clock: Clock
}

/**
 * Makes the request of one message, before any middleware has seen it. Throws if an option has a bad value, except for the id and the
 * key, which middleware may still replace. Returns a promise only if the event computes the key.
 */
export function requestOf(
  limits: RequestLimits,
  event: EventDefinition,
  data: unknown,
  options: PublishOptions,
): PublishRequest | Promise<PublishRequest> {
  const request = {
    topic: event.name,
    id: options.id ?? randomUUID(),
    // Copied at once: the caller may reuse its buffer while the key or the schema is awaited.
    data: data instanceof Uint8Array ? copyOf(data) : data,
    tombstone: false,
    key: options.key,
    headers: options.headers === undefined ? emptyHeaders : requireHeaders(options.headers),
    extensions: requireExtensions(options.extensions, causeExtensions()),
    delayMs: delayOf(limits, options),
  }
  return options.key === undefined && event.key !== undefined
    ? keyOf(event, data).then((key) => ({ ...request, key }))
    : request
}

/** Makes the request of a tombstone. Throws if an option or the key has a bad value. */
export function tombstoneRequestOf(
  limits: RequestLimits,
  event: EventDefinition,
  key: string,
  options: TombstoneOptions,
): PublishRequest {
  return {
    topic: event.name,
    id: options.id ?? randomUUID(),
    data: null,
    tombstone: true,
    key: requireShortText(key, 'key'),
    headers: options.headers === undefined ? emptyHeaders : requireHeaders(options.headers),
    extensions: requireExtensions(options.extensions, causeExtensions()),
    delayMs: delayOf(limits, options),
  }
}

/**
 * Calls the key function, with data that has not been validated yet. If it throws because the data is invalid, the error of the schema is
 * thrown instead, which is clearer.
 */
async function keyOf(event: EventDefinition, data: unknown): Promise<string | undefined> {
  try {
    return event.key?.(data)
  } catch (error) {
    if (event.schema !== undefined) await validate(event.schema, data, `'${event.name}'`)
    throw error
  }
}

function requireJoinable(transaction: unknown, adapter: Adapter): void {
  if (transaction === undefined) return
  runnerOf(transaction)
  if (adapter.capabilities.joinsTransactions === true) return
  const why = 'its capabilities have no joinsTransactions'
  throw new MqError('MQ_NOT_SUPPORTED', `${adapter.name} cannot publish in a transaction: ${why}`)
}

function requireSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return
  throw new TypeError(`signal must be an AbortSignal, not ${shown(signal)}`)
}

function delayOf({ adapter, clock }: RequestLimits, { delayMs, at }: PublishOptions): number | undefined {
  if (delayMs === undefined && at === undefined) return undefined
  if (delayMs !== undefined && at !== undefined) {
    throw new MqError('MQ_INVALID_OPTION', 'delayMs and at exclude each other')
  }
  if (delayMs !== undefined) return requireDelay(delayMs, 'delayMs', adapter)
  return requireDelay(Math.max(0, requireTime(at, 'at') - clock.now()), 'The time until at', adapter)
}

/** Throws a `TypeError` or `MQ_INVALID_OPTION` if it is not a duration, and `MQ_NOT_SUPPORTED` if the adapter cannot delay that long. */
export function requireDelay(value: unknown, name: string, adapter: Adapter): number {
  const ms = requireDuration(value, name)
  if (ms > adapter.capabilities.maxDelayMs) {
    const limit = `${adapter.name} delays a message by at most ${adapter.capabilities.maxDelayMs} ms`
    throw new MqError('MQ_NOT_SUPPORTED', `${limit}, not by ${ms} ms`)
  }
  return ms
}
