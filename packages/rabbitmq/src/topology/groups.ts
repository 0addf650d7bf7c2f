import {
  type GroupPause,
  type GroupRef,
  MqError,
  type QueueStats,
  type TargetRef,
  unknownStats,
} from '@mq/core/adapter'
import { declareOn } from '../connection/channels.js'
import { countsOf } from '../connection/counts.js'
import { reply, replyCode } from '../connection/errors.js'
import type { Request } from '../connection/links.js'
import type { Declarations } from './declarations.js'
import { foreignQueueOf, releaseReader } from './foreign.js'
import type { Namespace } from './names.js'
import { countInShares as countShares, deleteShares } from './shares.js'

/** How long a group is taken for one that was never ordered. */
const unsharedMs = 10_000

export interface GroupsParts {
  readonly names: Namespace
  readonly declarations: Declarations
  readonly request: Request
  readonly pausedOf: (ref: GroupRef) => Promise<GroupPause | undefined>
}

/** Creates the operations on groups. */
export function createGroups({ names, declarations, request, pausedOf }: GroupsParts) {
  /** Returns undefined if there is no such queue. */
  async function count(queue: string): Promise<number | undefined> {
    try {
      return (await request('Reading stats', (channel) => countsOf(channel, queue))).messageCount
    } catch (error) {
      if (replyCode((error as MqError).cause) === reply.notFound) return undefined
      throw error
    }
  }

  /** Until when a group is taken for one without shares. The broker logs each question for a queue that does not exist. */
  const unshared = new Map<string, number>()

  async function countInShares(ref: TargetRef): Promise<number> {
    const name = names.group(ref)
    if ((unshared.get(name) ?? 0) > performance.now()) return 0
    unshared.delete(name)
    const found = await countShares((work) => request('Reading stats', work), names, ref)
    if (found === undefined) unshared.set(name, performance.now() + unsharedMs)
    return found ?? 0
  }

  const has = async ({ topic, group }: GroupRef, queue: 'group' | 'dead'): Promise<boolean> =>
    (await count(names[queue]({ topic, group }))) !== undefined

  return {
    has,
    /** Rejects with `MQ_GROUP_MISSING` if there is no such group. */
    async requireExisting(ref: GroupRef): Promise<void> {
      if (await has(ref, 'group')) return
      throw new MqError('MQ_GROUP_MISSING', `The topic '${ref.topic}' has no group '${ref.group}'`)
    },
    declare: (ref: TargetRef): Promise<void> =>
      request(`Declaring the group '${ref.group}'`, (channel) => declarations.declareGroup(channel, ref), declareOn),
    delete: (ref: TargetRef): Promise<void> =>
      request(`Deleting the group '${ref.group}'`, async (channel) => {
        declarations.forgetGroup(ref)
        await channel.deleteQueue(names.group(ref))
        await channel.deleteQueue(names.dead(ref))
        await deleteShares(channel, names, ref)
        const queue = foreignQueueOf(ref)
        if (queue !== undefined) await releaseReader(channel, names, { ref, queue })
      }),
    async stats(ref: TargetRef): Promise<QueueStats> {
      const foreign = foreignQueueOf(ref)
      const [own, dead, others, shares, paused] = await Promise.all([
        count(names.group(ref)),
        count(names.dead(ref)),
        foreign === undefined ? 0 : count(foreign),
        countInShares(ref),
        pausedOf(ref),
      ])
      // Without its own queue the group does not exist, whatever the queue of other programs holds.
      if (own === undefined) return { ...unknownStats, dead }
      // AMQP reports none of the others. The queue of the dead letters exists once there is one.
      return { ...unknownStats, ready: own + (others ?? 0) + shares, dead: dead ?? 0, paused }
    },
  }
}
