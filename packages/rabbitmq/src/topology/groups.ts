import { type MqError, type QueueStats, type TargetRef, unknownStats } from '@mq/core/adapter'
import { declareOn } from '../connection/channels.js'
import { countsOf } from '../connection/counts.js'
import { reply, replyCode } from '../connection/errors.js'
import type { Request } from '../connection/links.js'
import type { Declarations } from './declarations.js'
import { foreignQueueOf, releaseReader } from './foreign.js'
import type { Namespace } from './names.js'

export interface GroupsParts {
  readonly names: Namespace
  readonly declarations: Declarations
  readonly request: Request
}

/** Creates the operations on groups. */
export function createGroups({ names, declarations, request }: GroupsParts) {
  /** Returns undefined if there is no such queue. */
  async function count(queue: string): Promise<number | undefined> {
    try {
      return (await request('Reading stats', (channel) => countsOf(channel, queue))).messageCount
    } catch (error) {
      if (replyCode((error as MqError).cause) === reply.notFound) return undefined
      throw error
    }
  }

  return {
    declare: (ref: TargetRef): Promise<void> =>
      request(`Declaring the group '${ref.group}'`, (channel) => declarations.declareGroup(channel, ref), declareOn),
    delete: (ref: TargetRef): Promise<void> =>
      request(`Deleting the group '${ref.group}'`, async (channel) => {
        declarations.forgetGroup(ref)
        await channel.deleteQueue(names.group(ref))
        await channel.deleteQueue(names.dead(ref))
        const queue = foreignQueueOf(ref)
        if (queue !== undefined) await releaseReader(channel, names, { ref, queue })
      }),
    async stats(ref: TargetRef): Promise<QueueStats> {
      const foreign = foreignQueueOf(ref)
      const [own, dead, others] = await Promise.all([
        count(names.group(ref)),
        count(names.dead(ref)),
        foreign === undefined ? 0 : count(foreign),
      ])
      // Without its own queue the group does not exist, whatever the queue of other programs holds.
      if (own === undefined) return { ...unknownStats, dead }
      // AMQP reports none of the others. The queue of the dead letters exists once there is one.
      return { ...unknownStats, ready: own + (others ?? 0), dead: dead ?? 0 }
    },
  }
}
