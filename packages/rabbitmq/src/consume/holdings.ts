import { randomInt } from 'node:crypto'
import type { GroupRef } from '@mq/core/adapter'
import type { ChannelModel } from 'amqplib'
import { answerFrom } from '../connection/answers.js'
import { onChannel } from '../connection/channels.js'
import { countsOf } from '../connection/counts.js'
import { type Locks, type Release, untilNoConsumer } from '../topology/locks.js'
import type { Namespace } from '../topology/names.js'
import { shareCount, shareQueues } from '../topology/shares.js'
import type { Source } from './source-queue.js'

export interface HoldingsParts {
  readonly connection: ChannelModel
  readonly ref: GroupRef
  readonly names: Namespace
  readonly locks: Locks
  readonly signal: AbortSignal
}

/** Creates the shares that one instance of an ordered group holds: as many as are its due among all instances, and no more. */
export function createHoldings({ connection, ref, names, locks, signal }: HoldingsParts) {
  const queues = shareQueues(names, ref)
  const held = new Map<number, Release>()
  const sourceOf = (index: number): Source => ({ queue: queues[index] as string, isForeign: false })

  /** Returns the shares that nobody consumes. They begin at a random place, so that instances that start together do not collide. */
  async function free(): Promise<number[]> {
    const start = randomInt(shareCount)
    return answerFrom(
      connection,
      onChannel(connection, 'Looking for free shares', async (channel) => {
        const found: number[] = []
        for (let step = 0; step < shareCount; step++) {
          const index = (start + step) % shareCount
          if (held.has(index)) continue
          if ((await countsOf(channel, queues[index] as string)).consumerCount === 0) found.push(index)
        }
        return found
      }),
    )
  }

  return {
    get count(): number {
      return held.size
    },
    get sources(): readonly Source[] {
      return [...held.keys()].map(sourceOf)
    },
    /** Returns how many shares an instance may hold. */
    async quota(): Promise<number> {
      const counting = onChannel(connection, 'Counting instances', (channel) => countsOf(channel, names.roster(ref)))
      const { consumerCount } = await answerFrom(connection, counting)
      return Math.ceil(shareCount / Math.max(1, consumerCount))
    },
    /** Takes free shares up to this number, and resolves with those that are new. */
    async take(quota: number): Promise<readonly Source[]> {
      if (held.size >= quota) return []
      const taken: Source[] = []
      const take = async (index: number): Promise<void> => {
        const lock = { name: names.shareLock(ref, index), queue: queues[index] as string }
        const release = await locks.take(connection, lock, signal)
        if (release === undefined) return
        held.set(index, release)
        taken.push(sourceOf(index))
      }
      const wanted = (await free()).slice(0, quota - held.size)
      if (!signal.aborted) await Promise.all(wanted.map(take))
      return taken
    },
    /** Called while nothing is consumed: gives up the shares beyond this number, and waits until the others can be consumed anew. */
    async keep(quota: number): Promise<void> {
      const given = [...held].slice(quota)
      await Promise.all(given.map(([, release]) => release()))
      for (const [index] of given) held.delete(index)
      await Promise.all([...held.keys()].map((index) => untilNoConsumer(connection, queues[index] as string, signal)))
    },
  }
}

export type Holdings = ReturnType<typeof createHoldings>
