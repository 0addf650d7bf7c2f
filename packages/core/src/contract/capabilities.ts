import type { MemberKinds } from './checks/member-kinds.js'

/**
 * The abilities and the limits of an adapter. Core refuses an operation that the adapter cannot do with `MQ_NOT_SUPPORTED`, in the call
 * that asks for it. It never weakens the operation silently.
 *
 * `queue.capabilities` has all of them. An adapter may leave out those that `AdapterCapabilities` makes optional.
 */
export interface Capabilities {
  /** Messages survive a restart of the broker. If false, they live as long as the process that holds them. */
  readonly durable: boolean
  /** Topics and groups live in the process that made the adapter, and no other process can reach them. */
  readonly embedded: boolean
  /**
   * A message published while its topic has no group is kept for a group that starts `earliest`. If false, such a message is gone, and
   * `publish` resolves with `routed: 'no'`.
   */
  readonly retainsUnrouted: boolean
  /** Groups can start with `startFrom: 'earliest'`. If false, it is refused. */
  readonly startFromEarliest: boolean
  /** Subscriptions can be `ordered`. If false, `ordered: true` is refused. */
  readonly orderedKeys: boolean
  /** A run that ends with its process counts as an attempt. If false, a message that kills its process is retried without end. */
  readonly countsCrashes: boolean
  /**
   * Only runs count as attempts. If false, a message that the broker had assigned to a consumer in the moment of its stop may come back
   * with one attempt fewer left. An adapter that leaves it out counts as false.
   */
  readonly exactAttempts: boolean
  /** How late a delayed or retried message may be on an idle broker. */
  readonly delayResolutionMs: number
  /** The longest delay. A publish with a longer one is refused; the delay of a retry is shortened to it. */
  readonly maxDelayMs: number
  /** The longest run of a handler, and the default of `timeoutMs`. A longer `timeoutMs` is refused. */
  readonly maxHandlerMs: number
  /** The limit for body, headers, key and id together. A larger message is refused with `MQ_MESSAGE_TOO_LARGE`. */
  readonly maxMessageBytes: number
  /**
   * How long a second publish with the same id on the same topic is ignored. 0 means never, and so does an adapter that leaves it out.
   */
  readonly publishDedupeMs: number
  /** How long after the death of a consumer's process or connection its messages run again, at the latest. */
  readonly redeliveryMs: number
  /** `queue.topics` lists the topics. If false, it is refused. An adapter that leaves it out counts as false, as with all that follow. */
  readonly listsTopics: boolean
  /** `queue.groups` lists the groups of a topic. If false, it is refused. */
  readonly listsGroups: boolean
  /** `queue.waiting` lists messages that are ready, delayed or retrying, without taking them. If false, it is refused. */
  readonly listsWaiting: boolean
  /** `queue.waiting` lists messages that are in flight, in all processes. If false, it is refused. */
  readonly listsInFlight: boolean
  /** Single messages can be removed from a group that waits for them. If false, it is refused. */
  readonly removesWaiting: boolean
  /** Single messages can be made ready before they are due. If false, it is refused. */
  readonly runsNow: boolean
  /** A group can be paused in all its processes. If false, it is refused. */
  readonly pausesGroups: boolean
  /** Messages can be published in a transaction of the application. If false, the option `transaction` is refused. */
  readonly joinsTransactions: boolean
}

/** A capability that an adapter may leave out. Each one that a later version of core adds within this contract is optional too. */
export type OptionalCapability =
  | 'exactAttempts'
  | 'publishDedupeMs'
  | 'listsTopics'
  | 'listsGroups'
  | 'listsWaiting'
  | 'listsInFlight'
  | 'removesWaiting'
  | 'runsNow'
  | 'pausesGroups'
  | 'joinsTransactions'

/** The capabilities as an adapter states them. An optional one that is absent counts as "cannot", as its own comment says. */
export interface AdapterCapabilities
  extends Omit<Capabilities, OptionalCapability>,
    Partial<Pick<Capabilities, OptionalCapability>> {}

/** The values that mean "cannot". */
const absent: Pick<Capabilities, OptionalCapability> = {
  exactAttempts: false,
  publishDedupeMs: 0,
  listsTopics: false,
  listsGroups: false,
  listsWaiting: false,
  listsInFlight: false,
  removesWaiting: false,
  runsNow: false,
  pausesGroups: false,
  joinsTransactions: false,
}

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
  listsTopics: 'boolean?',
  listsGroups: 'boolean?',
  listsWaiting: 'boolean?',
  listsInFlight: 'boolean?',
  removesWaiting: 'boolean?',
  runsNow: 'boolean?',
  pausesGroups: 'boolean?',
  joinsTransactions: 'boolean?',
}

/** Returns every capability that core knows. An optional one that the adapter leaves out gets the value that means "cannot". */
export function completeCapabilities(given: AdapterCapabilities): Capabilities {
  const defaults: Partial<Capabilities> = absent
  const names = Object.keys(capabilityKinds) as (keyof Capabilities)[]
  const complete = Object.fromEntries(names.map((name) => [name, given[name] ?? defaults[name]]))
  return Object.freeze(complete as unknown as Capabilities)
}

/** The default of `maxMessageBytes` on every adapter. It fits into a default Kafka record batch with room for headers. */
export const defaultMaxMessageBytes = 900 * 1024
