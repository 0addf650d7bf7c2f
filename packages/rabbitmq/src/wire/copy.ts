import { encodeFailure, type Failure, type RawMessage, type TargetRef } from '@mq/core/adapter'
import type { Message, Options } from 'amqplib'
import { brokerHeader, isOwn, own, type Table, textValue, unreadableHeadersOf } from './headers.js'

/** A copy of a delivered message, for a queue of its group: a retry, a dead letter, or a message that is given back. */
export interface Copy {
  readonly ref: TargetRef
  /** The queue without which the original is gone too. A copy must not bring back what was deleted. */
  readonly from: 'group' | 'dead'
  readonly queue: 'group' | 'dead'
  /** Another queue of the group instead. */
  readonly to?: string
  readonly delayMs: number
  readonly content: Buffer
  readonly properties: Options.Publish
  /** Nothing is lost if it cannot be stored, so no error is reported. */
  readonly isOptional?: boolean
}

/**
 * `impossible`: no broker will ever take it, because its headers exceed a frame or hold a value that the driver cannot write.
 * `deleted`: the original was deleted with its queue, so there is no copy either.
 */
export type CopyResult = 'stored' | 'abandoned' | 'impossible' | 'deleted'

export interface PendingCopy {
  readonly result: Promise<CopyResult>
  /** Ends the attempts to store it. A copy that was not sent yet is not sent. */
  abandon(): void
}

/** Stores a copy. The original may be acknowledged only after that. */
export type Copier = (copy: Copy) => PendingCopy

export interface CopyHistory {
  /** Replaces the id and the time that a message of another program may lack. */
  readonly message: RawMessage
  readonly attempt?: number
  readonly failure?: Failure
  /** Makes the copy a dead letter. */
  readonly entryId?: string
  /** Makes the copy a replayed message. */
  readonly replayId?: string
}

/** Keeps everything that another program wrote, except for the properties that would make the broker act upon the copy. */
export function copyProperties(original: Message, history: CopyHistory): Options.Publish {
  const {
    userId: _user,
    expiration: _expiration,
    deliveryMode: _mode,
    headers: given,
    clusterId: _cluster,
    ...kept
  } = original.properties
  const headers: Table = Object.create(null)
  for (const name of Object.keys(given ?? {})) {
    // CC and BCC would send it to other queues again, and brokers before 4.0 take a repeated x-death for a cycle.
    if (name === 'CC' || name === 'BCC' || isOwn(name) || brokerHeader.test(name)) continue
    headers[name] = given?.[name]
  }
  if (!('cloudEvents:time' in headers || 'cloudEvents_time' in headers)) headers[own.time] = history.message.time
  if (history.attempt !== undefined && history.attempt > 1) headers[own.attempt] = history.attempt
  if (history.failure !== undefined) headers[own.failure] = encodeFailure(history.failure)
  const raw = unreadableHeadersOf(original)
  if (raw !== undefined) headers[own.raw] = raw
  if (history.entryId !== undefined) headers[own.entry] = history.entryId
  if (history.replayId !== undefined) headers[own.replay] = history.replayId
  const properties = writable(kept)
  return {
    ...properties,
    messageId: properties.messageId || history.message.id,
    headers,
    persistent: true,
    mandatory: true,
  }
}

/** The longest short text of AMQP. */
const maxTextBytes = 255

/** Leaves out what the driver reads but cannot write: times that no number holds, and texts that are too long once they are UTF-8. */
function writable(properties: Options.Publish): Options.Publish {
  const { timestamp } = properties
  const written: Table = {}
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value !== 'string' || Buffer.byteLength(value) <= maxTextBytes) written[name] = value
  }
  if (!Number.isSafeInteger(timestamp) || Number(timestamp) < 0) delete written.timestamp
  return written
}

/** Returns the entry id that this adapter gave a dead letter, or undefined if the broker dead-lettered it. */
export const entryOf = ({ properties }: Message): string | undefined => textValue(properties.headers?.[own.entry])
