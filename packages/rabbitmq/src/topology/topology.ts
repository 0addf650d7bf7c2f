import type { GroupRef } from '@mq/core/adapter'
import type { Channel } from 'amqplib'
import { bitPattern, destinationPattern, levelMs } from './delays.js'
import type { Namespace } from './names.js'

export interface TopologyOptions {
  readonly names: Namespace
  readonly queueArguments: Readonly<Record<string, string | number | boolean>>
}

/**
 * How often the broker itself may hand out a message again before it dead-letters it: more often than any retry policy
 * allows, so that it is the policy that decides.
 */
const deliveryLimit = 5_000

/** Dead letters are borrowed to be listed, and each time counts; 4.x would drop them after 20. */
const deadDeliveryLimit = 1_000_000_000

/** What `unrouted` keeps for an operator to look at: the latest, for a week. */
const unroutedLimits = { 'x-max-length': 10_000, 'x-max-length-bytes': 64 * 1024 * 1024, 'x-message-ttl': 604_800_000 }

/** What waits for an ephemeral subscription at most; the oldest give way. */
const maxEphemeralBacklog = 10_000

/** With at-least-once a full queue has to refuse; with the default the broker would silently fall back to at-most-once. */
const keepDeadLetters = { 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' }

const quorum = (channel: Channel, queue: string, others: Record<string, unknown>): Promise<unknown> =>
  channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum', ...others } })

/** What all topics share but the delay levels. */
export async function declareBase(channel: Channel, names: Namespace): Promise<void> {
  await channel.assertExchange(names.unrouted, 'fanout', { durable: true })
  await quorum(channel, names.unrouted, unroutedLimits)
  await channel.bindQueue(names.unrouted, names.unrouted, '')
  await channel.assertExchange(names.due, 'topic', { durable: true, alternateExchange: names.unrouted })
}

/** The levels from `from` up to `to`, both included; the ones below `from` are there. */
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
    await quorum(channel, here, ttl)
    await channel.bindQueue(here, here, bitPattern(level, '1'))
    await channel.bindExchange(below, here, bitPattern(level, '0'))
  }
}

/**
 * Two exchanges: publishers are told by the first one's returns that no group exists, which an alternate exchange would
 * hide; the second one needs an alternate exchange, as a delayed message that no queue takes would block its level.
 */
export async function declareTopic(channel: Channel, names: Namespace, topic: string): Promise<void> {
  const due = names.dueTopic(topic)
  await channel.assertExchange(names.topic(topic), 'fanout', { durable: true })
  await channel.assertExchange(due, 'fanout', { durable: true, alternateExchange: names.unrouted })
  await channel.bindExchange(due, names.due, destinationPattern(due))
}

/** The topic is there. The dead-letter queue first: without it the broker would drop what it has to dead-letter. */
export async function declareGroup(channel: Channel, options: TopologyOptions, ref: GroupRef): Promise<void> {
  const { names, queueArguments } = options
  const dead = names.dead(ref)
  const group = names.group(ref)
  await quorum(channel, dead, { 'x-delivery-limit': deadDeliveryLimit })
  await quorum(channel, group, {
    ...queueArguments,
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': dead,
    'x-delivery-limit': deliveryLimit,
    ...keepDeadLetters,
  })
  await channel.bindQueue(group, names.due, destinationPattern(group))
  await channel.bindQueue(group, names.dueTopic(ref.topic), '')
  await channel.bindQueue(group, names.topic(ref.topic), '')
}

/** Lives as long as the connection. */
export async function declareEphemeral(
  channel: Channel,
  names: Namespace,
  { topic, queue }: { readonly topic: string; readonly queue: string },
): Promise<void> {
  await channel.assertQueue(queue, {
    durable: false,
    exclusive: true,
    autoDelete: true,
    arguments: { 'x-queue-type': 'classic', 'x-max-length': maxEphemeralBacklog, 'x-overflow': 'drop-head' },
  })
  await channel.bindQueue(queue, names.dueTopic(topic), '')
  await channel.bindQueue(queue, names.topic(topic), '')
}
