import { createHash } from 'node:crypto'
import type { GroupRef } from '@mq/core/adapter'
import type { Channel } from 'amqplib'
import { countsOf } from '../connection/counts.js'
import { reply, replyCode } from '../connection/errors.js'
import type { Namespace } from './names.js'
import { declareGroupQueue, declareQuorum, type TopologyOptions } from './topology.js'

// See docs/decisions/0033-rabbitmq-order.md.

/** The number of queues that an ordered group is divided into. All processes must agree, so it is part of their names. */
export const shareCount = 8

const indexes = Array.from({ length: shareCount }, (_, index) => index)

/** Returns the queues of an ordered group's shares. */
export const shareQueues = (names: Namespace, ref: GroupRef): readonly string[] =>
  indexes.map((index) => names.share(ref, index))

/** Creates the choice of a share for each message: one key always has the same, and messages without a key take turns. */
export function createShareChoice() {
  let turn = 0
  return (key: string | undefined): number => {
    if (key !== undefined) return createHash('sha1').update(key).digest().readUInt32BE() % shareCount
    turn = (turn + 1) % shareCount
    return turn
  }
}

/** Declares the shares of an ordered group, and the queue that its instances are counted by. */
export async function declareShares(channel: Channel, options: TopologyOptions, ref: GroupRef): Promise<void> {
  await declareQuorum(channel, options.names.roster(ref), {})
  for (const queue of shareQueues(options.names, ref)) await declareGroupQueue(channel, options, { ref, queue })
}

export async function deleteShares(channel: Channel, names: Namespace, ref: GroupRef): Promise<void> {
  for (const queue of [names.roster(ref), ...shareQueues(names, ref)]) await channel.deleteQueue(queue)
}

type Ask = <T>(work: (channel: Channel) => Promise<T>) => Promise<T>

/** Returns how many messages the shares hold, or undefined if the group has none because it was never ordered. */
export async function countInShares(ask: Ask, names: Namespace, ref: GroupRef): Promise<number | undefined> {
  try {
    return await ask(async (channel) => {
      let sum = 0
      for (const queue of shareQueues(names, ref)) sum += (await countsOf(channel, queue)).messageCount
      return sum
    })
  } catch (error) {
    if (replyCode(error) === reply.notFound || replyCode((error as Error).cause) === reply.notFound) return undefined
    throw error
  }
}
