import { MqError, withTimeout } from '@mq/core/adapter'
import type { Channel, ChannelModel, ConfirmChannel } from 'amqplib'
import { answerTimeoutMs, faultOf, giveUpSilent, inTime } from './answers.js'
import { asErrand } from './channel-budget.js'
import { politely } from './close.js'
import { isClosedDriver, reply, replyCode, textOf } from './errors.js'

/** Opens a channel that has a listener for `error`: without one, an error of the channel would end its connection. */
export function openChannel(connection: ChannelModel, kind: 'confirm'): Promise<ConfirmChannel>
export function openChannel(connection: ChannelModel, kind: 'plain'): Promise<Channel>
export async function openChannel(connection: ChannelModel, kind: 'confirm' | 'plain'): Promise<Channel> {
  const opening = kind === 'confirm' ? connection.createConfirmChannel() : connection.createChannel()
  const late = (): MqError => new MqError('MQ_TIMEOUT', `RabbitMQ opened no channel in ${answerTimeoutMs} ms`)
  const channel = await withTimeout(opening, answerTimeoutMs, late).catch((error) => {
    opening.then(closeChannel, () => undefined)
    giveUpSilent(connection)
    // The connection may have closed before it had listeners, if its last frames came in the chunk that opened it.
    if (isClosedDriver(error)) connection.emit('close', error)
    const fault = faultOf(connection)
    if (replyCode(fault) !== reply.notAllowed) throw error
    throw new MqError('MQ_NOT_SUPPORTED', `RabbitMQ allows no more channels: ${textOf(fault)}`, { cause: fault })
  })
  channel.on('error', () => undefined)
  return channel
}

export const closeChannel = (channel: Channel): Promise<boolean> => politely(() => channel.close())

/** The channel of the last errand of a connection, for the next one. */
const spare = new WeakMap<ChannelModel, Channel>()
const closed = new WeakSet<Channel>()

async function errandChannel(connection: ChannelModel): Promise<Channel> {
  const kept = spare.get(connection)
  spare.delete(connection)
  if (kept !== undefined) return kept
  const channel = await openChannel(connection, 'plain')
  channel.on('close', () => {
    closed.add(channel)
    if (spare.get(connection) === channel) spare.delete(connection)
  })
  return channel
}

/** Keeps one channel. The work may have caught the error with which the broker has closed its channel. */
async function giveBack(connection: ChannelModel, channel: Channel): Promise<void> {
  channel.removeAllListeners('return')
  if (closed.has(channel)) return
  if (spare.has(connection)) await closeChannel(channel)
  else spare.set(connection, channel)
}

/** Does some work on a channel that nobody else uses meanwhile, so that a refusal closes no channel of others. */
export async function onChannel<T>(
  connection: ChannelModel,
  what: string,
  work: (channel: Channel) => Promise<T>,
): Promise<T> {
  return asErrand(connection, async () => {
    const channel = await errandChannel(connection)
    try {
      const result = await inTime(work(channel), what)
      await giveBack(connection, channel)
      return result
    } catch (error) {
      await closeChannel(channel)
      throw error
    }
  })
}

const declareTries = 4
const declareRetryMs = 50

/** Works like `onChannel`, but tries again if something was deleted while it was being declared. */
export async function declareOn<T>(
  connection: ChannelModel,
  what: string,
  work: (channel: Channel) => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await onChannel(connection, what, work)
    } catch (error) {
      if (replyCode(error) !== reply.notFound || tries === declareTries) throw error
      await new Promise((resolve) => setTimeout(resolve, declareRetryMs))
    }
  }
}
