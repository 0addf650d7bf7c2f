import type { ClientSettings } from '../../client.js'
import type { TopicPartition } from '../../cluster.js'
import type { ErrorParts } from './error-parts.js'

/** How a member joins its group. All of it can be sent to a thread. */
export interface MemberPlan {
  readonly client: ClientSettings
  /** Members with the same number share their connections. */
  readonly connections: number
  readonly groupId: string
  readonly topics: readonly string[]
  /** See `JoinOptions`. */
  readonly label?: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** The member leaves when the main thread has given no sign of life for this long. */
  readonly maxStallMs: number
}

/** A message of the main thread. Members have numbers. */
export type ToThread =
  | { readonly type: 'alive' }
  | { readonly type: 'start'; readonly member: number; readonly plan: MemberPlan; readonly validity: SharedArrayBuffer }
  /** The answer to `assigned` or `revoked`. */
  | { readonly type: 'taken'; readonly member: number; readonly call: number; readonly error?: ErrorParts }
  /** The group does not know the member in this generation, or it may not. */
  | { readonly type: 'fenced'; readonly member: number; readonly generation: number }
  /** The main thread has noticed that everything is lost, after it had heard that many losses from the thread. */
  | { readonly type: 'lost'; readonly member: number; readonly cause: ErrorParts; readonly losses: number }
  | { readonly type: 'stop'; readonly member: number; readonly timeoutMs: number }

/** The state of a member, of which the main thread has a copy. */
export interface MemberState {
  readonly isIn: boolean
  readonly isAwaited: boolean
  readonly memberId: string
  readonly generation: number
}

/** A message of the thread. */
export type FromThread =
  | { readonly type: 'state'; readonly member: number; readonly state: MemberState }
  | {
      readonly type: 'assigned' | 'revoked'
      readonly member: number
      readonly call: number
      readonly partitions: readonly TopicPartition[]
    }
  | { readonly type: 'lost'; readonly member: number; readonly cause: ErrorParts; readonly stoodStill: boolean }
  | { readonly type: 'joined'; readonly member: number; readonly pending: number }
  | { readonly type: 'failing'; readonly member: number; readonly error: ErrorParts }
  | { readonly type: 'stopped'; readonly member: number }
