import { setTimeout as sleep } from 'node:timers/promises'
import {
  type ConsumeOptions,
  type Consumer,
  type ConsumerHealth,
  type GroupRef,
  type Handle,
  MqError,
  type StopOptions,
  type TargetRef,
} from '@mq/core/adapter'
import { asMqError } from '../driver/errors.js'
import type { Groups } from '../topology/groups.js'
import { kindsOf, planGroup } from '../topology/topology.js'
import type { ConsumerContext, RunningConsumer } from './consumer-context.js'
import { EphemeralConsumer } from './ephemeral-consumer.js'
import { GroupConsumer } from './group-consumer.js'
import { createRoster } from './roster.js'

/** A subscription and the consumer that works for it. After its group was deleted, that is a new one. */
interface Slot {
  readonly ref: GroupRef
  readonly target: TargetRef
  readonly isEphemeral: boolean
  readonly make: () => RunningConsumer
  current: RunningConsumer
  isStopped: boolean
  /** How often its group was deleted. Only the latest deletion starts a new consumer. */
  deletions: number
  isRestarting: boolean
}

const restartPauseMs = 1_000
/** A group cannot be deleted before its members have left it, and a busy broker needs its time for that. */
const deletedPartingMs = 10_000
const restartFails = 'A consumer is not back after its group was deleted'

/** Creates the registry of an adapter's consumers. */
export function createConsumers(context: ConsumerContext & { readonly groups: Groups }) {
  const { topology, groups, connections, report } = context
  const slots = new Set<Slot>()
  const roster = createRoster(context)
  /** The last deletion of each group, by the group's name at the broker. */
  const deletions = new Map<string, Promise<void>>()

  async function start(slot: Slot): Promise<void> {
    const { main, delay } = planGroup(topology, slot.target)
    if (slot.isEphemeral && delay === undefined) await topology.requireForeign(main)
    else if (slot.isEphemeral && delay !== undefined) await topology.ensureAll([main, delay])
    await slot.current.start()
    if (slot.isEphemeral) roster.add(slot.ref)
  }

  async function stop(slot: Slot, options: StopOptions): Promise<void> {
    slot.isStopped = true
    await Promise.all([slot.current.stop(options), roster.remove(slot.ref)])
  }

  /** Starts a new consumer after its group was deleted. Reports failures, and tries again until it works. */
  async function restart(slot: Slot, deletion: number): Promise<void> {
    const isWanted = (): boolean => !slot.isStopped && slot.deletions === deletion
    const attempt = async (): Promise<void> => {
      if (!isWanted()) return
      slot.isRestarting = true
      await groups.declare(slot.target, { startFrom: 'latest' })
      if (!isWanted()) return
      slot.current = slot.make()
      await slot.current.start()
      slot.isRestarting = false
    }
    const tryAgain = async (cause: unknown): Promise<void> => {
      if (!isWanted()) return
      report({ type: 'error', error: asMqError(cause, restartFails), ...slot.ref })
      await slot.current.stop({ timeoutMs: 0 })
      await sleep(restartPauseMs, undefined, { ref: false })
      await attempt().catch(tryAgain)
    }
    // The caller of `deleteGroup` waits for the first attempt alone.
    await attempt().catch((error) => void tryAgain(error))
  }

  const slotsOf = ({ topic, group }: GroupRef): readonly Slot[] =>
    [...slots].filter(({ ref }) => ref.topic === topic && ref.group === group)

  async function remove(target: TargetRef): Promise<void> {
    const { topic, group } = target
    const ref = { topic, group }
    const own = slotsOf(ref).map((slot) => ({ slot, deletion: ++slot.deletions }))
    const reason = new MqError('MQ_OWNERSHIP_LOST', 'The group was deleted')
    const stopped = { timeoutMs: 0, partingMs: deletedPartingMs, reason }
    await Promise.all(own.map(({ slot }) => slot.current.stop(stopped)))
    try {
      await groups.remove(target)
      if (own.length > 0) report({ type: 'data-loss', ...ref, reason: 'the group was deleted under its consumers' })
    } finally {
      await Promise.all(own.map(({ slot, deletion }) => restart(slot, deletion)))
    }
  }

  return {
    async consume(target: TargetRef, options: ConsumeOptions, handle: Handle): Promise<Consumer> {
      const { topic, group } = target
      const ref = { topic, group }
      const handler = { ...options, handle }
      const kinds = kindsOf(planGroup(topology, target), options)
      const Made = options.ephemeral ? EphemeralConsumer : GroupConsumer
      const make = (): RunningConsumer => new Made(ref, kinds, handler, context)
      const slot: Slot = {
        ref,
        target,
        isEphemeral: options.ephemeral,
        make,
        current: make(),
        isStopped: false,
        deletions: 0,
        isRestarting: false,
      }
      slots.add(slot)
      const end = async (stopOptions: StopOptions): Promise<void> => {
        await stop(slot, stopOptions)
        slots.delete(slot)
        if (slots.size === 0) for (const cluster of [connections.cluster, connections.membership]) cluster.disconnect()
      }
      await start(slot).catch(async (error) => {
        await end({ timeoutMs: 0 })
        throw error
      })
      return { stop: end }
    },
    /**
     * Deletes the group. Consumers of this adapter stay in it, and start again without any message. One deletion of a group waits for
     * the one before, which would otherwise delete what the consumers are starting with.
     */
    async deleteGroup(target: TargetRef): Promise<void> {
      const name = context.names.group(target)
      const before = deletions.get(name) ?? Promise.resolve()
      const removing = before.catch(() => {}).then(() => remove(target))
      deletions.set(name, removing)
      await removing.finally(() => {
        if (deletions.get(name) === removing) deletions.delete(name)
      })
    },
    async stopAll(timeoutMs: number): Promise<void> {
      await Promise.all([...slots].map((slot) => stop(slot, { timeoutMs })))
    },
    health: (): readonly ConsumerHealth[] =>
      [...slots].map(({ current: { health }, isRestarting }) =>
        isRestarting && health.status === 'stopping' ? { ...health, status: 'recovering' } : health,
      ),
  }
}
