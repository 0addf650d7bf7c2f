import type { GroupRef } from '@mq/core/adapter'
import type { Channel } from 'amqplib'
import { type DelayStep, destinationPattern, firstDestinationPattern, stepMs, valuePattern } from './delays.js'
import { labelsFor, type Namespace } from './names.js'

// See docs/decisions/0030-rabbitmq-topology.md.

export interface TopologyOptions {
  readonly names: Namespace
  readonly queueArguments: Readonly<Record<string, string | number | boolean>>
}

/** How often the broker redelivers a message before it dead-letters it itself. No retry policy allows as many attempts. */
const deliveryLimit = 5_000

/** Looking at dead letters and marks delivers them, and each time counts. By default brokers from 4.0 on would drop them after 20. */
const unlimitedDeliveries = 1_000_000_000

/** `unrouted` keeps the latest messages for a week, for an operator to look at. */
const unroutedLimits = { 'x-max-length': 10_000, 'x-max-length-bytes': 64 * 1024 * 1024, 'x-message-ttl': 604_800_000 }

/** The most messages that wait for an ephemeral subscription. After that the oldest are dropped. */
const maxEphemeralBacklog = 10_000

/** At-least-once needs `reject-publish`: with another overflow the broker silently falls back to at-most-once. */
const keepDeadLetters = { 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' }

export const declareQuorum = (channel: Channel, queue: string, others: Record<string, unknown>): Promise<unknown> =>
  channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum', ...others } })

/** Declares everything that all topics share, except the delay queues. */
export async function declareBase(channel: Channel, names: Namespace): Promise<void> {
  await channel.assertExchange(names.unrouted, 'fanout', { durable: true })
  await declareQuorum(channel, names.unrouted, unroutedLimits)
  await channel.bindQueue(names.unrouted, names.unrouted, '')
  for (const due of [names.due, names.firstDue])
    await channel.assertExchange(due, 'topic', { durable: true, alternateExchange: names.unrouted })
}

/** Returns the exchange behind the delay queues of a digit. */
const exchangeBelow = (names: Namespace, { lane, digit }: Omit<DelayStep, 'value'>): string =>
  digit === 0 ? names.due : names.delays(lane, digit - 1)

/** Declares the way past the delay queues of a digit, for delays in which it is 0. The exchange below must exist. */
export async function declareDigit(channel: Channel, names: Namespace, at: Omit<DelayStep, 'value'>): Promise<void> {
  const here = names.delays(at.lane, at.digit)
  await channel.assertExchange(here, 'topic', { durable: true })
  await channel.bindExchange(exchangeBelow(names, at), here, valuePattern(at.digit, 0))
}

/** Declares a delay queue. The exchanges of its digit and of the one below must exist. */
export async function declareDelay(channel: Channel, names: Namespace, step: DelayStep): Promise<void> {
  const ttl = {
    'x-message-ttl': stepMs(step),
    'x-dead-letter-exchange': exchangeBelow(names, step),
    ...keepDeadLetters,
  }
  await declareQuorum(channel, names.delay(step), ttl)
  await channel.bindQueue(names.delay(step), names.delays(step.lane, step.digit), valuePattern(step.digit, step.value))
}

/** Lets what is due reach an exchange or a queue, also from the delay queues of the first version. */
async function bindToDue(channel: Channel, names: Namespace, kind: 'bindExchange' | 'bindQueue', to: string) {
  await channel[kind](to, names.due, destinationPattern(to))
  await channel[kind](to, names.firstDue, firstDestinationPattern(to))
}

/**
 * Declares the two exchanges of a topic. The first has no alternate exchange, so that a publisher gets a message back if no group
 * exists. The second has one, because a delayed message that no queue takes would block its delay queue.
 */
export async function declareTopic(channel: Channel, names: Namespace, topic: string): Promise<void> {
  const due = names.dueTopic(topic)
  const name = names.topic(topic)
  await channel.assertExchange(name, 'fanout', { durable: true, arguments: labelsFor(name, { topic }) })
  await channel.assertExchange(due, 'fanout', { durable: true, alternateExchange: names.unrouted })
  await bindToDue(channel, names, 'bindExchange', due)
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
  const { names } = options
  const dead = names.dead(ref)
  const group = names.group(ref)
  await declareQuorum(channel, dead, { 'x-delivery-limit': unlimitedDeliveries })
  await declareGroupQueue(channel, options, { ref, queue: group })
  await bindToDue(channel, names, 'bindQueue', group)
}

/** Declares a queue that holds messages of a group. */
export const declareGroupQueue = (
  channel: Channel,
  { names, queueArguments }: TopologyOptions,
  { ref, queue }: { readonly ref: GroupRef; readonly queue: string },
): Promise<unknown> =>
  declareQuorum(channel, queue, {
    ...queueArguments,
    ...labelsFor(queue, ref),
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': names.dead(ref),
    'x-delivery-limit': deliveryLimit,
    ...keepDeadLetters,
  })

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
  { ref, queue }: { readonly ref: GroupRef; readonly queue: string },
): Promise<void> {
  await declareTemporary(channel, queue, labelsFor(queue, ref))
  await channel.bindQueue(queue, names.dueTopic(ref.topic), '')
  await channel.bindQueue(queue, names.topic(ref.topic), '')
}

/** Matches the routing keys of the probes of one process, or with `*` of all. */
export const probePattern = (id: string): string => `${destinationPattern('probe')}.${id}`

/** Declares the queue that takes and drops all probes. */
export async function declareProbes(channel: Channel, names: Namespace): Promise<void> {
  await declareQuorum(channel, names.probes, { 'x-max-length': 1, 'x-message-ttl': 1_000 })
  await channel.bindQueue(names.probes, names.due, probePattern('*'))
}

/** Declares the queue that holds a message for each paused group, and the exchange that tells processes of a change. */
export async function declareMarks(channel: Channel, names: Namespace): Promise<void> {
  await declareQuorum(channel, names.paused, { 'x-delivery-limit': unlimitedDeliveries })
  await channel.assertExchange(names.signals, 'fanout', { durable: true })
}

/** Declares the queue in which a process gets the changes from now on. */
export async function declareSignals(channel: Channel, names: Namespace, queue: string): Promise<void> {
  await declareTemporary(channel, queue)
  await channel.bindQueue(queue, names.signals, '')
}

/** Declares a queue without bindings that lives as long as its connection. */
export const declareTemporary = (
  channel: Channel,
  queue: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<unknown> =>
  channel.assertQueue(queue, {
    durable: false,
    exclusive: true,
    autoDelete: true,
    arguments: { ...labels, 'x-queue-type': 'classic', 'x-max-length': maxEphemeralBacklog, 'x-overflow': 'drop-head' },
  })
