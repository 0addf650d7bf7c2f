import { randomUUID } from 'node:crypto'
import type { Adapter, StoreOutcome } from '../contract/adapter.js'
import { keysOf, refuseUnknown, requireDuration, requireOptions, requireTime, shown } from '../contract/checks.js'
import type { Clock } from '../contract/clock.js'
import { isMqError, MqError, type MqErrorCode } from '../contract/errors.js'
import type { EventDefinition } from '../contract/event.js'
import { describeError } from '../contract/failure.js'
import { emptyHeaders, hasControlCharacters, headerBytes, isWellFormed, requireHeaders } from '../contract/headers.js'
import { messageBytes, type OutgoingMessage, type Writable } from '../contract/message.js'
import type { PublishRequest } from '../contract/middleware.js'
import type { PublishOptions, PublishOutcome } from '../contract/publish-options.js'
import { validate } from '../contract/schema.js'
import { copyOf, encodeData } from '../wire/codec.js'
import { mergedExtensions, requireExtensions } from '../wire/extensions.js'
import { timeText } from '../wire/time.js'
import { OpenPublish } from './call.js'
import { causeExtensions } from './cause.js'

export interface PublisherOptions {
  readonly adapter: Adapter
  readonly clock: Clock
  readonly source: string
  readonly timeoutMs: number
  readonly maxPendingMessages: number
  readonly maxPendingBytes: number
}

/** A message that passed every check, ready to be sent. */
export interface Prepared {
  readonly message: OutgoingMessage
  readonly bytes: number
}

const publishOptionNames = keysOf<PublishOptions>()({
  id: true,
  key: true,
  delayMs: true,
  at: true,
  headers: true,
  extensions: true,
  timeoutMs: true,
  signal: true,
})

/** Checks, encodes, counts and sends messages through one adapter. */
export function createPublisher(options: PublisherOptions) {
  const { adapter, clock, maxPendingMessages, maxPendingBytes } = options
  const { maxMessageBytes } = adapter.capabilities
  let pendingMessages = 0
  let pendingBytes = 0

  /** Throws for whatever is wrong with the options, before anybody has seen the message. A promise only where a key is. */
  function request(
    event: EventDefinition,
    data: unknown,
    given: PublishOptions,
  ): PublishRequest | Promise<PublishRequest> {
    requireOptions(given, 'The options of publish')
    refuseUnknown(given, publishOptionNames, 'publish')
    requireSignal(given.signal)
    const made = {
      topic: event.name,
      id: given.id ?? randomUUID(),
      // Copied at once: the caller may reuse its buffer while the key or the schema is awaited.
      data: data instanceof Uint8Array ? copyOf(data) : data,
      key: given.key,
      headers: given.headers === undefined ? emptyHeaders : requireHeaders(given.headers),
      extensions: mergedExtensions(causeExtensions(), requireExtensions(given.extensions)),
      delayMs: delayOf(given, clock, adapter),
    }
    return given.key === undefined && event.key !== undefined
      ? keyOf(event, data).then((key) => ({ ...made, key }))
      : made
  }

  /** A promise only where the schema is asynchronous. */
  function prepare(event: EventDefinition, request: PublishRequest): Prepared | Promise<Prepared> {
    if (event.schema === undefined) return encode(event, request)
    const validated = validate(event.schema, request.data, `'${event.name}'`)
    return validated instanceof Promise ? validated.then(() => encode(event, request)) : encode(event, request)
  }

  function encode(event: EventDefinition, request: PublishRequest): Prepared {
    const headers = request.headers === emptyHeaders ? emptyHeaders : requireHeaders(request.headers)
    const extensions = request.extensions === emptyHeaders ? emptyHeaders : requireExtensions(request.extensions)
    const { id, key, delayMs } = request
    if (delayMs !== undefined) requireDelay(delayMs, 'delayMs', adapter)
    const { body, contentType } = encodeData(request.data)
    const message: Writable<OutgoingMessage> = {
      id: requireShortText(id, 'id'),
      source: options.source,
      type: event.name,
      time: timeText(clock.now()),
      contentType,
      extensions,
      headers,
      body,
    }
    if (key !== undefined) message.key = requireShortText(key, 'key')
    if (delayMs !== undefined && delayMs > 0) message.delayMs = Math.ceil(delayMs)
    const bytes = messageBytes(message, headers === emptyHeaders ? 0 : headerBytes(headers))
    if (bytes > maxMessageBytes) {
      const limit = `${adapter.name} takes at most ${maxMessageBytes}`
      throw new MqError('MQ_MESSAGE_TOO_LARGE', `The message for '${event.name}' has ${bytes} bytes; ${limit}`)
    }
    return { message, bytes }
  }

  /** Never rejects for what the broker does; that is in the outcomes. Throws `MQ_BACKPRESSURE` before anything is sent. */
  async function send(
    topic: string,
    prepared: readonly Prepared[],
    given: Pick<PublishOptions, 'timeoutMs' | 'signal'>,
  ): Promise<readonly PublishOutcome[]> {
    const timeoutMs =
      given.timeoutMs === undefined ? options.timeoutMs : requireDuration(given.timeoutMs, 'timeoutMs', 1)
    const bytes = prepared.reduce((sum, one) => sum + one.bytes, 0)
    requireRoom(prepared.length, bytes)
    const messages = prepared.map((one) => one.message)
    const call = new OpenPublish(timeoutMs, given.signal)
    pendingMessages += prepared.length
    pendingBytes += bytes
    try {
      const outcomes = await call.settle(adapter.publish(topic, messages, call))
      return messages.map((message, index) => outcomeOf(message.id, outcomes[index]))
    } catch (error) {
      const failure = asPublishError(error)
      const status = failure.code === 'MQ_PUBLISH_UNKNOWN' ? 'unknown' : 'rejected'
      return messages.map(({ id }) => ({ status, id, error: failure }))
    } finally {
      call.end()
      pendingMessages -= prepared.length
      pendingBytes -= bytes
    }
  }

  function requireRoom(messages: number, bytes: number): void {
    if (pendingMessages + messages <= maxPendingMessages && pendingBytes + bytes <= maxPendingBytes) return
    const limits = `at most ${maxPendingMessages} messages and ${maxPendingBytes} bytes`
    const waiting = `${pendingMessages} messages with ${pendingBytes} bytes wait for the broker's answer`
    throw new MqError('MQ_BACKPRESSURE', `${waiting}, ${limits} may. Not sent; await earlier publishes first`)
  }

  return { request, prepare, send }
}

export type Publisher = ReturnType<typeof createPublisher>

function outcomeOf(id: string, outcome: StoreOutcome | undefined): PublishOutcome {
  if (outcome?.status === 'stored') return { status: 'stored', id, routed: outcome.routed }
  if (outcome?.status === 'rejected') {
    const error = outcome.error ?? new MqError('MQ_PUBLISH_REJECTED', 'The broker refused the message')
    return { status: 'rejected', id, error }
  }
  const text = 'The broker did not say whether it stored the message'
  const error = outcome?.error === undefined ? new MqError('MQ_PUBLISH_UNKNOWN', text) : unknownBecauseOf(outcome.error)
  return { status: 'unknown', id, error }
}

/** These tell how a call ended, not whether the broker had stored the message by then. */
const inconclusive: readonly MqErrorCode[] = ['MQ_CONNECTION_LOST', 'MQ_OPERATION_FAILED', 'MQ_STOPPED', 'MQ_TIMEOUT']

/** What an adapter throws instead of an outcome tells nothing about the message, unless it is a refusal. */
const asPublishError = (error: unknown): MqError =>
  isMqError(error) && !inconclusive.includes(error.code) ? error : unknownBecauseOf(error)

function unknownBecauseOf(error: unknown): MqError {
  if (isMqError(error, 'MQ_PUBLISH_UNKNOWN')) return error
  const text = `The message may or may not be stored: ${describeError(error).message}`
  return new MqError('MQ_PUBLISH_UNKNOWN', text, { cause: error })
}

/** A key function reads data that nobody has validated yet: what the schema says about it is the clearer error. */
async function keyOf(event: EventDefinition, data: unknown): Promise<string | undefined> {
  try {
    return event.key?.(data)
  } catch (error) {
    if (event.schema !== undefined) await validate(event.schema, data, `'${event.name}'`)
    throw error
  }
}

function requireSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return
  throw new TypeError(`signal must be an AbortSignal, not ${shown(signal)}`)
}

function delayOf(given: PublishOptions, clock: Clock, adapter: Adapter): number | undefined {
  const { delayMs, at } = given
  if (delayMs === undefined && at === undefined) return undefined
  if (delayMs !== undefined && at !== undefined) {
    throw new MqError('MQ_INVALID_OPTION', 'delayMs and at exclude each other')
  }
  if (delayMs !== undefined) return requireDelay(delayMs, 'delayMs', adapter)
  return requireDelay(Math.max(0, requireTime(at, 'at') - clock.now()), 'The time until at', adapter)
}

function requireDelay(value: unknown, name: string, adapter: Adapter): number {
  const ms = requireDuration(value, name)
  if (ms > adapter.capabilities.maxDelayMs) {
    const limit = `${adapter.name} delays a message by at most ${adapter.capabilities.maxDelayMs} ms`
    throw new MqError('MQ_NOT_SUPPORTED', `${limit}, not by ${ms} ms`)
  }
  return ms
}

/** AMQP writes both as short strings. */
const maxIdBytes = 255

/** Ids and keys. Throws a `TypeError` or `MQ_INVALID_OPTION`. */
export function requireShortText(value: unknown, name: string): string {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${shown(value)}`)
  const fits = value !== '' && Buffer.byteLength(value) <= maxIdBytes
  if (!fits || hasControlCharacters(value) || !isWellFormed(value)) {
    const rule = `must have 1 to ${maxIdBytes} bytes and no control characters`
    throw new MqError('MQ_INVALID_OPTION', `${name} ${rule}, not ${shown(value)}`)
  }
  return value
}
