import type { MemberKinds } from './member-kinds.js'

/**
 * What an adapter can do and where its limits are. An operation that it cannot do is refused with `MQ_NOT_SUPPORTED` where it
 * is asked for, never silently weakened.
 *
 * `queue.capabilities` has all of them. An adapter may leave out those that `AdapterCapabilities` makes optional.
 */
export interface Capabilities {
  /** Messages survive a restart of the broker. When false they live as long as the process that holds them. */
  readonly durable: boolean
  /** Topics and groups live in the process that made the adapter: no other process can reach them. */
  readonly embedded: boolean
  /**
   * A message published while its topic has no group is kept for a group that starts `earliest`. When false such a message
   * is gone, and `publish` says `routed: 'no'`.
   */
  readonly retainsUnrouted: boolean
  /** `startFrom: 'earliest'`. When false it is refused. */
  readonly startFromEarliest: boolean
  /** `ordered: true`. When false it is refused. */
  readonly orderedKeys: boolean
  /**
   * A run that ends with its process counts as an attempt. When false, a message that kills its process is tried again
   * without end.
   */
  readonly countsCrashes: boolean
  /**
   * Only runs count as attempts. When false, a message that the broker had assigned to a consumer in the moment of its stop may
   * come back with one attempt less to go. An adapter that does not say counts as false.
   */
  readonly exactAttempts: boolean
  /** How late a delayed or retried message may be on an idle broker. */
  readonly delayResolutionMs: number
  /** The longest delay, of a publish or of a retry. A longer publish is refused, a longer retry shortened to it. */
  readonly maxDelayMs: number
  /** The longest run of a handler. A longer `timeoutMs` is refused, and this is the timeout where none is given. */
  readonly maxHandlerMs: number
  /** Body, headers, key and id together. A larger message is refused with `MQ_MESSAGE_TOO_LARGE`. */
  readonly maxMessageBytes: number
  /** For how long a second publish with the same id on the same topic is ignored. 0 when it never is, or when the adapter does not say. */
  readonly publishDedupeMs: number
  /** How long after the death of a consumer's process or connection its messages run again, at the latest. */
  readonly redeliveryMs: number
}

/** A capability that an adapter may leave out. So is each that a later version of core adds within this contract. */
export type OptionalCapability = 'exactAttempts' | 'publishDedupeMs'

/** The capabilities as an adapter states them. An optional one that is absent counts as "cannot", as its own comment says. */
export interface AdapterCapabilities
  extends Omit<Capabilities, OptionalCapability>,
    Partial<Pick<Capabilities, OptionalCapability>> {}

/** The values that stand for "cannot". */
const absent: Pick<Capabilities, OptionalCapability> = { exactAttempts: false, publishDedupeMs: 0 }

export const capabilityKinds: MemberKinds<AdapterCapabilities> = {
  durable: 'boolean',
  embedded: 'boolean',
  retainsUnrouted: 'boolean',
  startFromEarliest: 'boolean',
  orderedKeys: 'boolean',
  countsCrashes: 'boolean',
  exactAttempts: 'boolean?',
  delayResolutionMs: 'number',
  maxDelayMs: 'number',
  maxHandlerMs: 'number',
  maxMessageBytes: 'number',
  publishDedupeMs: 'number?',
  redeliveryMs: 'number',
}

/** Returns every capability that core knows, so that nobody who reads one has to think of an adapter that does not say. */
export function completeCapabilities(given: AdapterCapabilities): Capabilities {
  const defaults: Partial<Capabilities> = absent
  const names = Object.keys(capabilityKinds) as (keyof Capabilities)[]
  const complete = Object.fromEntries(names.map((name) => [name, given[name] ?? defaults[name]]))
  return Object.freeze(complete as unknown as Capabilities)
}

/** The default of `maxMessageBytes` on every adapter: what fits in a default Kafka record batch with room for headers. */
export const defaultMaxMessageBytes = 900 * 1024
