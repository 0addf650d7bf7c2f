import type { Settlement } from '../../../src/adapter.js'
import type {
  Failure,
  GroupInfo,
  GroupPause,
  GroupRef,
  MessageHeaders,
  MessageState,
  Page,
  QueueStats,
  RawWaiting,
  Routed,
  StartFrom,
  TopicInfo,
} from '../../../src/index.js'
import type { WirePage } from './looking.js'

/** A message as it is sent and stored, with its CloudEvents attributes by name. A foreign message has none. */
export interface WireMessage {
  readonly attributes: MessageHeaders
  readonly headers: MessageHeaders
  readonly body: Uint8Array
}

/** A message in a topic. */
export interface StoredMessage extends WireMessage {
  /** Its place in the topic, from 0. */
  readonly position: number
  /** The time in milliseconds since 1970. */
  readonly takenAt: number
}

export interface WirePublish {
  readonly message: WireMessage
  readonly delayMs: number
}

export type WireOutcome =
  | { readonly status: 'stored'; readonly routed: Routed }
  | { readonly status: 'rejected'; readonly text: string }

export interface WireDeadLetter {
  readonly entryId: string
  readonly message: StoredMessage
  readonly failure: Failure
}

export interface WireWaiting extends Omit<RawWaiting, 'message'> {
  readonly message: StoredMessage
}

/** The start of a new group. A number is a place in the topic. */
export type StartAt = StartFrom | number

/** The requests of a client by name, each with its answer. */
export interface Requests {
  login: [{ readonly password: string; readonly heartbeatMs: number }, { readonly blocked: boolean }]
  publish: [{ readonly topic: string; readonly messages: readonly WirePublish[] }, readonly WireOutcome[]]
  declare: [{ readonly ref: GroupRef; readonly startAt: StartAt }, undefined]
  /** Answers whether the group existed. */
  delete: [{ readonly ref: GroupRef }, boolean]
  /** Answers false if there is no such group. An ephemeral group is created. */
  subscribe: [Subscribe, boolean]
  /** Ends deliveries. Delivered messages stay with the consumer. */
  pause: [{ readonly consumer: string }, undefined]
  /** Ends the consumer. Its delivered messages go back. */
  cancel: [{ readonly consumer: string }, undefined]
  settle: [{ readonly delivery: number; readonly settlement: Settlement }, undefined]
  list: [{ readonly ref: GroupRef; readonly limit: number }, readonly WireDeadLetter[]]
  replay: [{ readonly ref: GroupRef; readonly entryIds: readonly string[] | undefined }, number]
  purge: [{ readonly ref: GroupRef; readonly entryIds: readonly string[] | undefined }, number]
  stats: [{ readonly ref: GroupRef }, QueueStats]
  topics: [WirePage, Page<TopicInfo>]
  groups: [WirePage & { readonly topic: string }, Page<GroupInfo>]
  waiting: [WirePage & { readonly ref: GroupRef; readonly state: MessageState }, Page<WireWaiting>]
  remove: [{ readonly ref: GroupRef; readonly entryIds: readonly string[] }, number]
  runNow: [{ readonly ref: GroupRef; readonly entryIds: readonly string[] }, number]
  pauseGroup: [{ readonly ref: GroupRef; readonly mark: GroupPause }, undefined]
  resumeGroup: [{ readonly ref: GroupRef }, undefined]
  /** Announces that the client will close. */
  bye: [object, undefined]
}

export interface Subscribe {
  readonly consumer: string
  readonly ref: GroupRef
  readonly concurrency: number
  readonly ordered: boolean
  readonly ephemeral: boolean
}

export type RequestType = keyof Requests
export type RequestOf<Type extends RequestType> = { readonly type: Type } & Requests[Type][0]
export type AnswerTo<Type extends RequestType> = Requests[Type][1]
export type Request = { [Type in RequestType]: RequestOf<Type> }[RequestType]

/** The messages that the broker sends without a request. */
export type Push =
  | {
      readonly type: 'deliver'
      readonly consumer: string
      readonly delivery: number
      readonly message: StoredMessage
      readonly attempt: number
      readonly failure?: Failure
    }
  /** Reports a deleted group with `lost` unfinished messages. The topic continues at `next`. */
  | { readonly type: 'cancelled'; readonly consumer: string; readonly lost: number; readonly next: number }
  | { readonly type: 'blocked'; readonly blocked: boolean }
  /** Reports that the group is paused, or no longer. */
  | { readonly type: 'paused'; readonly consumer: string; readonly mark: GroupPause | undefined }

export type ClientFrame =
  | { readonly kind: 'request'; readonly number: number; readonly request: Request }
  | { readonly kind: 'beat' }

export type ServerFrame =
  | { readonly kind: 'answer'; readonly number: number; readonly answer: unknown }
  | { readonly kind: 'refusal'; readonly number: number; readonly reason: Refusal }
  | { readonly kind: 'push'; readonly push: Push }
  | { readonly kind: 'beat' }

export type Refusal = 'password' | 'too-large' | 'not-logged-in' | 'no-place' | 'no-group' | 'no-page'

const frameBytes = 32

/** The largest message that the broker stores. */
export const maxStoredBytes = 1024 * 1024

export function messageSize({ attributes, headers, body }: WireMessage): number {
  let bytes = body.byteLength
  for (const part of [attributes, headers]) {
    for (const name in part) bytes += Buffer.byteLength(name) + Buffer.byteLength(part[name] as string)
  }
  return bytes
}

export function clientFrameSize(frame: ClientFrame): number {
  if (frame.kind === 'beat' || frame.request.type !== 'publish') return frameBytes
  return frame.request.messages.reduce((sum, { message }) => sum + messageSize(message), frameBytes)
}

export function serverFrameSize(frame: ServerFrame): number {
  return frame.kind === 'push' && frame.push.type === 'deliver'
    ? frameBytes + messageSize(frame.push.message)
    : frameBytes
}
