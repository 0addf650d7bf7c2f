import { setTimeout as sleep } from 'node:timers/promises'
import {
  type ConsumeOptions,
  type Consumer,
  type ConsumerHealth,
  type GroupRef,
  type Handle,
  MqError,
} from '@mq/core/adapter'
import { asMqError } from '../driver/errors.js'
import type { Groups } from '../topology/groups.js'
import { EphemeralConsumer } from './ephemeral-consumer.js'
import { type ConsumerContext, GroupConsumer } from './group-consumer.js'

/** A consumer as its subscription knows it: the one at work is another one after its group was deleted. */
interface Slot {
  readonly ref: GroupRef
  readonly ephemeral: boolean
  readonly make: () => GroupConsumer | EphemeralConsumer
  current: GroupConsumer | EphemeralConsumer
  stopped: boolean
  /** How often its group was deleted: the latest deletion starts it again. */
  deletions: number
  restarting: boolean
}

const restartPauseMs = 1_000
const restartFails = 'A consumer is not back after its group was deleted'

/** The consumers of one adapter. */
export function createConsumers(context: ConsumerContext & { readonly groups: Groups }) {
  const { topology, groups, report } = context
  const slots = new Set<Slot>()

  async function start(slot: Slot): Promise<void> {
    if (slot.ephemeral) {
      await topology.ensureAll([topology.plan.main(slot.ref.topic), topology.plan.delay(slot.ref.topic)])
    }
    await slot.current.start()
  }

  /** After its group was deleted. What fails is told, and tried again until it works. */
  async function restart(slot: Slot, deletion: number): Promise<void> {
    const isWanted = (): boolean => !slot.stopped && slot.deletions === deletion
    const attempt = async (): Promise<void> => {
      if (!isWanted()) return
      slot.restarting = true
      await groups.declare(slot.ref, { startFrom: 'latest' })
      if (!isWanted()) return
      slot.current = slot.make()
      await slot.current.start()
      slot.restarting = false
    }
    const again = async (cause: unknown): Promise<void> => {
      if (!isWanted()) return
      report({ type: 'error', error: asMqError(cause, restartFails), ...slot.ref })
      await slot.current.stop({ timeoutMs: 0 })
      await sleep(restartPauseMs, undefined, { ref: false })
      await attempt().catch(again)
    }
    // Whoever deletes the group waits for the first attempt alone.
    await attempt().catch((error) => void again(error))
  }

  const slotsOf = ({ topic, group }: GroupRef): readonly Slot[] =>
    [...slots].filter(({ ref }) => ref.topic === topic && ref.group === group)

  return {
    async consume(ref: GroupRef, options: ConsumeOptions, handle: Handle): Promise<Consumer> {
      const all = { ...options, topic: ref.topic, handle }
      const make = () =>
        options.ephemeral ? new EphemeralConsumer(ref, all, context) : new GroupConsumer(ref, all, context)
      const slot: Slot = {
        ref,
        ephemeral: options.ephemeral,
        make,
        current: make(),
        stopped: false,
        deletions: 0,
        restarting: false,
      }
      slots.add(slot)
      const stop = async ({ timeoutMs }: { readonly timeoutMs: number }): Promise<void> => {
        slot.stopped = true
        await slot.current.stop({ timeoutMs })
        slots.delete(slot)
      }
      await start(slot).catch(async (error) => {
        await stop({ timeoutMs: 0 })
        throw error
      })
      return { stop }
    },
    /** Deletes the group; consumers of this adapter stay in it, with nothing in hand. */
    async deleteGroup(ref: GroupRef): Promise<void> {
      const own = slotsOf(ref).map((slot) => ({ slot, deletion: ++slot.deletions }))
      const reason = new MqError('MQ_OWNERSHIP_LOST', 'The group was deleted')
      await Promise.all(own.map(({ slot }) => slot.current.stop({ timeoutMs: 0 }, reason)))
      try {
        await groups.remove(ref)
        if (own.length > 0) report({ type: 'data-loss', ...ref, reason: 'the group was deleted under its consumers' })
      } finally {
        await Promise.all(own.map(({ slot, deletion }) => restart(slot, deletion)))
      }
    },
    async stopAll(timeoutMs: number): Promise<void> {
      await Promise.all(
        [...slots].map(async (slot) => {
          slot.stopped = true
          await slot.current.stop({ timeoutMs })
        }),
      )
    },
    health: (): readonly ConsumerHealth[] =>
      [...slots].map(({ current: { health }, restarting }) =>
        restarting && health.status === 'stopping' ? { ...health, status: 'recovering' } : health,
      ),
  }
}
