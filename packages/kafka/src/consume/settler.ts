import { setTimeout as sleep } from 'node:timers/promises'
import { type GroupRef, MqError, type Settlement } from '@mq/core/adapter'
import type { OutgoingRecord } from '../driver/record-writer.js'
import type { Outbox } from '../publish/outbox.js'
import { isTooLarge } from '../publish/refusals.js'
import { tierFor } from '../topology/tiers.js'
import { deadPartition } from '../topology/plans.js'
import type { Topology } from '../topology/topology.js'
import { encodeRecord } from '../wire/encode.js'
import type { Entry } from './tracker.js'

export interface SettlerOptions {
  readonly ref: GroupRef
  readonly outbox: Outbox
  readonly topology: Topology
  readonly error: (error: MqError) => void
}

interface Addressed {
  readonly record: OutgoingRecord
  readonly partition: number
}

const sendTimeoutMs = 15_000
const pauseMs = 1_000
/** Between attempts to write what is too large: they help only once somebody has changed the topic. */
const mostPauseMs = 30_000

/**
 * Writes what a group keeps: retries and dead letters. Each is written before the record it comes from is finished, and as
 * often as it takes, so that a failure in between repeats a message and loses none.
 */
export function createSettler({ ref, outbox, topology, error: report }: SettlerOptions) {
  const retryTopic = topology.plan.retry(ref)
  const deadTopic = topology.plan.dead(ref)

  /** What a refusal was; undefined once it is stored. Rejects when the adapter is closed. */
  async function writeOnce(topic: string, { record, partition }: Addressed): Promise<MqError | undefined> {
    const [outcome] = await outbox.send(topic, [record], { timeoutMs: sendTimeoutMs, partition })
    if (outcome?.status === 'stored') return undefined
    const cause = outcome?.error
    const text = `A message of ${topic} is not settled yet: ${cause?.message ?? 'no answer'}`
    return new MqError('MQ_OPERATION_FAILED', text, { cause })
  }

  /**
   * False once the entry is no longer this consumer's. What is too large is not written but what `instead` writes, or it is tried
   * again and `stuck` is called.
   */
  async function write(
    entry: Entry,
    topic: string,
    next: () => Addressed,
    { instead, stuck }: { instead?: () => Promise<boolean>; stuck?: () => void } = {},
  ): Promise<boolean> {
    let waitMs = pauseMs
    while (entry.state === 'running') {
      const error = await writeOnce(topic, next()).catch(() => 'closed' as const)
      if (error === undefined) return true
      if (error === 'closed') return false
      report(error)
      const isStuck = isTooLarge(error)
      if (isStuck && instead !== undefined) return await instead()
      if (isStuck) stuck?.()
      await sleep(waitMs, undefined, { ref: false })
      waitMs = isStuck ? Math.min(2 * waitMs, mostPauseMs) : pauseMs
    }
    return false
  }

  return {
    /** A retry that is too large is a dead letter; where that is too large as well, `stuck` is called. */
    async carryOut(
      entry: Entry,
      settlement: Settlement & { kind: 'retry' | 'dead' },
      stuck: () => void,
    ): Promise<boolean> {
      const { decoded } = entry
      if (decoded === undefined) return false
      const { message, attempt } = decoded
      const { failure } = settlement
      const letterId = entryIdOf(entry)
      const die = (): Promise<boolean> => {
        const record = encodeRecord(message, { attempt, failure }, letterId)
        return write(entry, deadTopic, () => ({ record, partition: deadPartition.letters }), { stuck })
      }
      if (settlement.kind === 'dead') return await die()
      const delayMs = Math.max(0, Math.ceil(settlement.delayMs))
      const record = encodeRecord(message, { attempt: attempt + 1, failure, delayMs })
      return await write(entry, retryTopic, () => ({ record, partition: tierFor(delayMs) }), { instead: die })
    },
    async forward(entry: Entry): Promise<boolean> {
      const { decoded } = entry
      if (decoded === undefined) return false
      const { message, attempt, failure, dueMs } = decoded
      return await write(entry, retryTopic, () => {
        const delayMs = Math.max(0, dueMs - Date.now())
        return { record: encodeRecord(message, { attempt, failure, delayMs }), partition: tierFor(delayMs) }
      })
    },
  }
}

/** The same for a record that dies again after a crash, so that it is one dead letter all the same. */
function entryIdOf({ tracker, offset, record }: Entry): string {
  return `${tracker.kind}.${tracker.partition}.${offset}.${record?.timestampMs ?? 0}`
}
