import { createHash } from 'node:crypto'
import {
  type ForeignExchange,
  type ForeignPlace,
  type GroupRef,
  MqError,
  shownPlace,
  type TargetRef,
} from '@mq/core/adapter'
import type { Channel } from 'amqplib'
import { reply, replyCode } from '../connection/errors.js'
import { labelsFor, type Namespace } from './names.js'
import { declareGroupQueues, declareQuorum, declareTemporary, type TopologyOptions } from './topology.js'

// See docs/decisions/0007-foreign-topics.md.

export type RabbitmqPlace = string | ForeignExchange

/** Names are short strings of AMQP. */
const maxNameBytes = 255

/** Checks a place. Throws `MQ_NOT_SUPPORTED` for one of another broker, and `MQ_INVALID_NAME` for a name that is too long. */
export function requireRabbitmqPlace(at: ForeignPlace): RabbitmqPlace {
  if (typeof at !== 'string' && !('exchange' in at)) {
    throw new MqError('MQ_NOT_SUPPORTED', `rabbitmq cannot read ${shownPlace(at)}; name a queue or an exchange`)
  }
  const names = typeof at === 'string' ? [at] : [at.exchange, at.routingKey]
  for (const name of names) {
    if (Buffer.byteLength(name) <= maxNameBytes) continue
    throw new MqError('MQ_INVALID_NAME', `'${name.slice(0, 40)}...' has more than ${maxNameBytes} bytes`)
  }
  return at
}

/** Returns the name of the queue if the group consumes one that other programs own. */
export const foreignQueueOf = ({ at }: TargetRef): string | undefined => (typeof at === 'string' ? at : undefined)

/** Declares what a group needs to read a place, and nothing of it if the place does not exist. */
export async function declareForeignGroup(
  channel: Channel,
  options: TopologyOptions,
  ref: TargetRef & { readonly at: ForeignPlace },
): Promise<void> {
  const at = requireRabbitmqPlace(ref.at)
  await requireExisting(channel, at)
  if (typeof at === 'string') await claimReader(channel, options.names, { ref, queue: at })
  await declareGroupQueues(channel, options, ref)
  if (typeof at !== 'string') await channel.bindQueue(options.names.group(ref), at.exchange, at.routingKey)
}

/** Declares the queue of an ephemeral subscription to an exchange. A queue is refused, because others would miss its messages. */
export async function declareForeignEphemeral(
  channel: Channel,
  { ref, at, queue }: { readonly ref: GroupRef; readonly at: ForeignPlace; readonly queue: string },
): Promise<void> {
  const place = requireRabbitmqPlace(at)
  if (typeof place === 'string') {
    const why = 'each of its messages goes to one consumer only'
    throw new MqError('MQ_NOT_SUPPORTED', `The queue ${shownPlace(place)} has no ephemeral subscriptions: ${why}`)
  }
  await requireExisting(channel, place)
  await declareTemporary(channel, queue, labelsFor(queue, ref))
  await channel.bindQueue(queue, place.exchange, place.routingKey)
}

async function requireExisting(channel: Channel, at: RabbitmqPlace): Promise<void> {
  try {
    await (typeof at === 'string' ? channel.checkQueue(at) : channel.checkExchange(at.exchange))
  } catch (cause) {
    if (replyCode(cause) !== reply.notFound) throw cause
    const what = typeof at === 'string' ? `The queue ${shownPlace(at)}` : `${shownPlace(at)}`.replace(/^t/, 'T')
    throw new MqError('MQ_TOPIC_MISSING', `${what} does not exist at RabbitMQ`, { cause })
  }
}

interface Reader {
  readonly ref: TargetRef
  readonly queue: string
}

/**
 * The consumers of a queue share its messages, so two groups would each get a part of them. An empty queue of ours says which group
 * reads the foreign one: the broker refuses to declare it again with other arguments.
 */
async function claimReader(channel: Channel, names: Namespace, { ref, queue }: Reader): Promise<void> {
  try {
    await declareQuorum(channel, readerName(names, queue), readerArguments(names, ref))
  } catch (cause) {
    if (replyCode(cause) !== reply.preconditionFailed) throw cause
    const why = 'its messages would be shared out between the two'
    const text = `The queue ${shownPlace(queue)} has a group already, and '${ref.group}' would be a second one: ${why}`
    throw new MqError('MQ_NOT_SUPPORTED', text, { cause })
  }
}

/** Lets another group read the queue. Does nothing if this group does not read it. */
export async function releaseReader(channel: Channel, names: Namespace, { ref, queue }: Reader): Promise<void> {
  try {
    await declareQuorum(channel, readerName(names, queue), readerArguments(names, ref))
  } catch (error) {
    if (replyCode(error) === reply.preconditionFailed) return
    throw error
  }
  await channel.deleteQueue(readerName(names, queue))
}

const readerName = (names: Namespace, queue: string): string =>
  names.reader(createHash('sha256').update(queue).digest('hex').slice(0, 40))

const readerArguments = (names: Namespace, ref: TargetRef): Record<string, unknown> => ({
  'x-dead-letter-exchange': '',
  'x-dead-letter-routing-key': names.group(ref),
})
