import { randomUUID } from 'node:crypto'
import type { Adapter, Outcome } from './adapter.js'
import type { Clock } from './clock.js'
import { encodeData } from './codec.js'
import { isMqError, MqError } from './errors.js'
import type { EventDefinition } from './event.js'
import { emptyHeaders, hasControlCharacters, headerBytes, isWellFormed, requireHeaders } from './headers.js'
import { messageBytes, type OutgoingMessage } from './message.js'
import type { PublishRequest } from './middleware.js'
import { refuseUnknown, requireDuration, requireOptions, shown } from './options.js'
import { createPublishCall } from './publish-call.js'
import type { PublishOptions, PublishOutcome } from './publish-options.js'
import { validate } from './schema.js'

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

export const publishOptionNames = ['id', 'key', 'delayMs', 'at', 'headers', 'timeoutMs', 'signal'] as const

/** Checks, encodes, counts and sends messages through one adapter. */
export function createPublisher(options: PublisherOptions) {
  const { adapter, clock, maxPendingMessages, maxPendingBytes } = options
  const { maxMessageBytes } = adapter.capabilities
  let pendingMessages = 0
  let pendingBytes = 0

  /** Throws for whatever is wrong with the options, before anybody has seen the message. */
  function request(event: EventDefinition, data: unknown, given: PublishOptions): PublishRequest {
    requireOptions(given, 'The options of publish')
    refuseUnknown(given, publishOptionNames, 'publish')
    return {
      topic: event.name,
      id: given.id ?? randomUUID(),
      data,
      key: given.key ?? event.key?.(data),
      headers: given.headers === undefined ? emptyHeaders : requireHeaders(given.headers),
      delayMs: delayOf(given, clock, adapter),
    }
  }

  async function prepare(event: EventDefinition, request: PublishRequest): Promise<Prepared> {
    if (event.schema !== undefined) await validate(event.schema, request.data, `'${event.name}'`)
    const headers = request.headers === emptyHeaders ? emptyHeaders : requireHeaders(request.headers)
    const { id, key, delayMs } = request
    if (delayMs !== undefined) requireDelay(delayMs, 'delayMs', adapter)
    const message: OutgoingMessage = {
      id: requireShortText(id, 'id'),
      source: options.source,
      type: event.name,
      time: new Date(clock.now()).toISOString(),
      ...encodeData(request.data),
      ...(key !== undefined && { key: requireShortText(key, 'key') }),
      ...(delayMs !== undefined && delayMs > 0 && { delayMs: Math.ceil(delayMs) }),
      extensions: emptyHeaders,
      headers,
    }
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
    const call = createPublishCall(timeoutMs, given.signal)
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

function outcomeOf(id: string, outcome: Outcome | undefined): PublishOutcome {
  if (outcome?.status === 'stored') return { status: 'stored', id, routed: outcome.routed }
  const status = outcome?.status ?? 'unknown'
  const error =
    outcome?.error ??
    (status === 'rejected'
      ? new MqError('MQ_PUBLISH_REJECTED', 'The broker refused the message')
      : new MqError('MQ_PUBLISH_UNKNOWN', 'The broker did not say whether it stored the message'))
  return { status, id, error }
}

/** What an adapter throws instead of an outcome tells nothing about the message, unless it is a refusal. */
function asPublishError(error: unknown): MqError {
  if (isMqError(error) && error.code !== 'MQ_CONNECTION_LOST') return error
  const text = error instanceof Error ? error.message : String(error)
  return new MqError('MQ_PUBLISH_UNKNOWN', `The message may or may not be stored: ${text}`, { cause: error })
}

function delayOf(given: PublishOptions, clock: Clock, adapter: Adapter): number | undefined {
  const { delayMs, at } = given
  if (delayMs === undefined && at === undefined) return undefined
  if (delayMs !== undefined && at !== undefined) {
    throw new MqError('MQ_INVALID_OPTION', 'delayMs and at exclude each other')
  }
  return delayMs === undefined
    ? requireDelay(untilMs(at, clock), 'The time until at', adapter)
    : requireDelay(delayMs, 'delayMs', adapter)
}

function requireDelay(ms: unknown, name: string, adapter: Adapter): number {
  const delayMs = requireDuration(ms, name)
  const { maxDelayMs } = adapter.capabilities
  if (delayMs <= maxDelayMs) return delayMs
  throw new MqError(
    'MQ_NOT_SUPPORTED',
    `${adapter.name} delays a message by at most ${maxDelayMs} ms, not by ${delayMs} ms`,
  )
}

function untilMs(at: unknown, clock: Clock): number {
  if (!(at instanceof Date)) throw new TypeError(`at must be a Date, not ${shown(at)}`)
  if (Number.isNaN(at.getTime())) throw new MqError('MQ_INVALID_OPTION', 'at is an invalid Date')
  return Math.max(0, at.getTime() - clock.now())
}

/** AMQP writes both as short strings. */
const maxIdBytes = 255

function requireShortText(value: unknown, name: string): string {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${shown(value)}`)
  const fits = value !== '' && Buffer.byteLength(value) <= maxIdBytes
  if (!fits || hasControlCharacters(value) || !isWellFormed(value)) {
    const rule = `must have 1 to ${maxIdBytes} bytes and no control characters`
    throw new MqError('MQ_INVALID_OPTION', `${name} ${rule}, not ${shown(value)}`)
  }
  return value
}
