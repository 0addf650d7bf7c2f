import type { GroupRef } from '@mq/core/adapter'
import type { Channel } from 'amqplib'
import { bitPattern, destinationPattern, levelMs } from './delays.js'
import type { Namespace } from './names.js'

// See docs/decisions/0030-rabbitmq-topology.md.

export interface TopologyOptions {
  readonly names: Namespace
  readonly queueArguments: Readonly<Record<string, string | number | boolean>>
}

/** How often the broker redelivers a message before it dead-letters it itself. No retry policy allows as many attempts. */
const deliveryLimit = 5_000

/** Listing dead letters delivers them, and each time counts. By default brokers from 4.0 on would drop them after 20. */
const deadDeliveryLimit = 1_000_000_000

/** `unrouted` keeps the latest messages for a week, for an operator to look at. */
const unroutedLimits = { 'x-max-length': 10_000, 'x-max-length-bytes': 64 * 1024 * 1024, 'x-message-ttl': 604_800_000 }

/** The most messages that wait for an ephemeral subscription. After that the oldest are dropped. */
const maxEphemeralBacklog = 10_000

/** At-least-once needs `reject-publish`: with another overflow the broker silently falls back to at-most-once. */
const keepDeadLetters = { 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' }

export const declareQuorum = (channel: Channel, queue: string, others: Record<string, unknown>): Promise<unknown> =>
  channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum', ...others } })

/** Declares everything that all topics share, except the delay levels. */
export async function declareBase(channel: Channel, names: Namespace): Promise<void> {
  await channel.assertExchange(names.unrouted, 'fanout', { durable: true })
  await declareQuorum(channel, names.unrouted, unroutedLimits)
  await channel.bindQueue(names.unrouted, names.unrouted, '')
  await channel.assertExchange(names.due, 'topic', { durable: true, alternateExchange: names.unrouted })
}

/** Declares the delay levels `from` to `to`, both included. The levels below `from` must exist. */
export async function declareLevels(
  channel: Channel,
  names: Namespace,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  for (let level = from; level <= to; level++) {
    const here = names.delay(level)
    const below = level === 0 ? names.due : names.delay(level - 1)
    await channel.assertExchange(here, 'topic', { durable: true })
    const ttl = { 'x-message-ttl': levelMs(level), 'x-dead-letter-exchange': below, ...keepDeadLetters }
    await declareQuorum(channel, here, ttl)
    await channel.bindQueue(here, here, bitPattern(level, '1'))
    await channel.bindExchange(below, here, bitPattern(level, '0'))
  }
}

/**
 * Declares the two exchanges of a topic. The first has no alternate exchange, so that a publisher gets a message back if no group
 * exists. The second has one, because a delayed message that no queue takes would block its level.
 */
export async function declareTopic(channel: Channel, names: Namespace, topic: string): Promise<void> {
  const due = names.dueTopic(topic)
  await channel.assertExchange(names.topic(topic), 'fanout', { durable: true })
  await channel.assertExchange(due, 'fanout', { durable: true, alternateExchange: names.unrouted })
  await channel.bindExchange(due, names.due, destinationPattern(due))
}

/** Rejects with the broker's `NOT_FOUND`, which closes the channel, if one of the two exchanges of a topic does not exist. */
export async function checkTopic(channel: Channel, names: Namespace, topic: string): Promise<void> {
  await channel.checkExchange(names.topic(topic))
  await channel.checkExchange(names.dueTopic(topic))
}

/**
 * Declares the queues of a group, to which its own messages lead. The dead-letter queue comes first: without it the broker would drop
 * the messages that it dead-letters.
 */
export async function declareGroupQueues(channel: Channel, options: TopologyOptions, ref: GroupRef): Promise<void> {
  const { names, queueArguments } = options
  const dead = names.dead(ref)
  const group = names.group(ref)
  await declareQuorum(channel, dead, { 'x-delivery-limit': deadDeliveryLimit })
  await declareQuorum(channel, group, {
    ...queueArguments,
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': dead,
    'x-delivery-limit': deliveryLimit,
    ...keepDeadLetters,
  })
  await channel.bindQueue(group, names.due, destinationPattern(group))
}

/** Declares a group with the bindings to its topic, which must exist. */
export async function declareGroup(channel: Channel, options: TopologyOptions, ref: GroupRef): Promise<void> {
  const { names } = options
  const group = names.group(ref)
  await declareGroupQueues(channel, options, ref)
  await channel.bindQueue(group, names.dueTopic(ref.topic), '')
  await channel.bindQueue(group, names.topic(ref.topic), '')
}

/** Declares the queue of an ephemeral subscription. It lives as long as its connection. */
export async function declareEphemeral(
  channel: Channel,
  names: Namespace,
  { topic, queue }: { readonly topic: string; readonly queue: string },
): Promise<void> {
  await declareTemporary(channel, queue)
  await channel.bindQueue(queue, names.dueTopic(topic), '')
  await channel.bindQueue(queue, names.topic(topic), '')
}

/** Matches the routing keys of the probes of one process, or with `*` of all. */
export const probePattern = (id: string): string => `#.probe.${id}`

/** Declares the queue that takes and drops all probes. */
export async function declareProbes(channel: Channel, names: Namespace): Promise<void> {
  await declareQuorum(channel, names.probes, { 'x-max-length': 1, 'x-message-ttl': 1_000 })
  await channel.bindQueue(names.probes, names.due, probePattern('*'))
}

/** Declares a queue without bindings that lives as long as its connection. */
export const declareTemporary = (channel: Channel, queue: string): Promise<unknown> =>
  channel.assertQueue(queue, {
    durable: false,
    exclusive: true,
    autoDelete: true,
    arguments: { 'x-queue-type': 'classic', 'x-max-length': maxEphemeralBacklog, 'x-overflow': 'drop-head' },
  })
