import { type ConsumeOptions, type Consumer, type ConsumerHealth, type Handle, MqError, type Source } from '@mq/core'
import { Follower } from './follower.js'
import { type ConsumerContext, GroupConsumer } from './group-consumer.js'
import type { Groups } from './groups.js'

/** A consumer as its subscription knows it: the one at work is another one after its group was deleted. */
interface Slot {
  readonly source: Source
  readonly ephemeral: boolean
  readonly make: () => GroupConsumer | Follower
  current: GroupConsumer | Follower
  stopped: boolean
  restarting: Promise<void> | undefined
}

/** The consumers of one adapter. */
export function createConsumers(context: ConsumerContext & { readonly groups: Groups }) {
  const { topology, groups, report } = context
  const slots = new Set<Slot>()

  async function start(slot: Slot): Promise<void> {
    if (slot.ephemeral) {
      await topology.ensureAll([topology.topicsOf.main(slot.source.topic), topology.topicsOf.delay(slot.source.topic)])
    }
    await slot.current.start()
  }

  async function restart(slot: Slot): Promise<void> {
    if (slot.stopped) return
    await groups.declare(slot.source, { startFrom: 'latest' })
    slot.current = slot.make()
    await slot.current.start()
  }

  const slotsOf = ({ topic, group }: Source): readonly Slot[] =>
    [...slots].filter(({ source }) => source.topic === topic && source.group === group)

  return {
    async consume(source: Source, options: ConsumeOptions, handle: Handle): Promise<Consumer> {
      const all = { ...options, topic: source.topic, handle }
      const make = () =>
        options.ephemeral ? new Follower(source, all, context) : new GroupConsumer(source, all, context)
      const slot: Slot = {
        source,
        ephemeral: options.ephemeral,
        make,
        current: make(),
        stopped: false,
        restarting: undefined,
      }
      slots.add(slot)
      const stop = async ({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> => {
        slot.stopped = true
        if (slot.restarting !== undefined) await slot.restarting.catch(() => {})
        await slot.current.stop({ deadlineMs })
        slots.delete(slot)
      }
      await start(slot).catch(async (error) => {
        await stop({ deadlineMs: 0 })
        throw error
      })
      return { stop }
    },
    /** Deletes the group; consumers of this adapter stay in it, with nothing in hand. */
    async deleteGroup(source: Source): Promise<void> {
      const own = slotsOf(source)
      const reason = new MqError('MQ_OWNERSHIP_LOST', 'The group was deleted')
      await Promise.all(own.map(({ current }) => current.stop({ deadlineMs: 0 }, reason)))
      try {
        await groups.remove(source)
        if (own.length > 0) report({ type: 'data-loss', source, reason: 'the group was deleted under its consumers' })
      } finally {
        for (const slot of own) slot.restarting = restart(slot)
        await Promise.all(own.map(({ restarting }) => restarting))
      }
    },
    async stopAll(deadlineMs: number): Promise<void> {
      await Promise.all(
        [...slots].map(async (slot) => {
          slot.stopped = true
          if (slot.restarting !== undefined) await slot.restarting.catch(() => {})
          await slot.current.stop({ deadlineMs })
        }),
      )
    },
    health: (): readonly ConsumerHealth[] => [...slots].map(({ current }) => current.health),
  }
}
