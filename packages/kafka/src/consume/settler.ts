import { setTimeout as sleep } from 'node:timers/promises'
import { backoff, type Failure, type GroupRef, MqError, type Settlement, withoutStack } from '@mq/core/adapter'
import { nameOf } from '../driver/cluster.js'
import { type OutgoingRecord, recordBytes } from '../driver/records/record-writer.js'
import type { Settings } from '../options.js'
import type { Outbox } from '../publish/outbox.js'
import { isTooLarge } from '../publish/refusals.js'
import { deadPartition } from '../topology/plans.js'
import { tierFor } from '../topology/tiers.js'
import type { Topology } from '../topology/topology.js'
import { waitingIdOf } from '../wire/message-place.js'
import { encodeRecord } from '../wire/record.js'
import { encodeStub } from '../wire/stub.js'
import type { Entry } from './entry.js'

/** Writes retries and dead letters. Both resolve with false if the consumer lost the entry before it was written. */
export interface Settler {
  /** `onStuck` is called when the entry itself may keep this from ever ending. */
  carryOut(entry: Entry, settlement: Settlement & { kind: 'retry' | 'dead' }, onStuck: () => void): Promise<boolean>
  /** Writes an entry to the partition where it waits for the rest of its time. */
  forward(entry: Entry): Promise<boolean>
  /** Writes an entry that waits for its time to the partition of those that are ready. */
  hurry(entry: Entry): Promise<boolean>
}

/** The settler of a consumer that keeps nothing at the broker. */
export const keepsNothing: Settler = {
  carryOut: async () => true,
  forward: async () => true,
  hurry: async () => true,
}

export interface SettlerOptions {
  readonly ref: GroupRef
  readonly outbox: Outbox
  readonly topology: Topology
  readonly settings: Pick<Settings, 'maxMessageBytes'>
  readonly report: (error: MqError) => void
}

interface Addressed {
  readonly record: OutgoingRecord
  readonly partition: number
}

const sendTimeoutMs = 15_000
const pauseMs = 1_000
/** A larger record is not sent. Far larger ones than a broker takes make it close the connection, instead of refusing them. */
const minRecordBytes = 16 * 1024 * 1024
/** A record that is too large fits only once its topic was changed, so the pauses between its attempts grow. */
const stuckPauses = { minMs: pauseMs, maxMs: 30_000 }

/**
 * Creates what writes the retries and dead letters of a group. Each is written before the record that it comes from is finished, and
 * as often as necessary. So a failure in between repeats a message, and loses none.
 */
export function createSettler({ ref, outbox, topology, settings, report }: SettlerOptions): Settler {
  const maxRecordBytes = Math.max(minRecordBytes, 4 * settings.maxMessageBytes)
  const retryTopic = topology.plan.retry(ref)
  const deadTopic = topology.plan.dead(ref)

  /** Resolves with the failure, or with undefined once the record is stored. Rejects when the adapter is closed. */
  async function writeOnce(topic: string, { record, partition }: Addressed): Promise<MqError | undefined> {
    const [outcome] = await outbox.send(topic, [record], { timeoutMs: sendTimeoutMs, partition })
    if (outcome?.status === 'stored') return undefined
    const cause = outcome?.error
    const text = `A message of ${topic} is not settled yet: ${cause?.message ?? 'no answer'}`
    return new MqError('MQ_OPERATION_FAILED', text, { cause })
  }

  /** If the record is too large, calls `instead`. If there is none, calls `onStuck` and tries again. */
  async function write(
    entry: Entry,
    topic: string,
    next: () => Addressed,
    { instead, onStuck }: { instead?: () => Promise<boolean>; onStuck?: () => void } = {},
  ): Promise<boolean> {
    const pauses = backoff(stuckPauses)
    while (entry.state === 'running') {
      const error = await writeOnce(topic, next()).catch(() => 'closed' as const)
      if (error === undefined) return true
      if (error === 'closed') return false
      report(error)
      if (isTooLarge(error)) {
        if (instead !== undefined) return await instead()
        onStuck?.()
        await sleep(pauses.next(), undefined, { ref: false })
      } else {
        pauses.reset()
        await sleep(pauseMs, undefined, { ref: false })
      }
    }
    return false
  }

  return {
    /**
     * A retry that is too large becomes a dead letter, and one that is too large for that becomes a stub. `onStuck` is called if not
     * even the stub fits.
     */
    async carryOut(entry, settlement, onStuck) {
      const { decoded } = entry
      if (decoded === undefined) return false
      const { message, attempt } = decoded
      const { failure } = settlement
      const letterId = entryIdOf(entry)
      const partition = deadPartition.letters
      const dieAsStub = (): Promise<boolean> => {
        const place = `${nameOf(entry.tracker)}/${entry.offset}`
        const text = `The message at ${place} is too large for ${deadTopic}, so only its beginning is a dead letter`
        report(new MqError('MQ_MESSAGE_TOO_LARGE', text))
        const record = encodeStub(message, { place, attempt, failure }, letterId)
        return write(entry, deadTopic, () => ({ record, partition }), { onStuck })
      }
      const dieWith = (kept: Failure, instead: () => Promise<boolean>): Promise<boolean> => {
        const record = encodeRecord(message, { attempt, failure: kept }, letterId)
        if (recordBytes(record) > maxRecordBytes) return instead()
        return write(entry, deadTopic, () => ({ record, partition }), { instead })
      }
      const dieWithoutStack = (): Promise<boolean> => dieWith(withoutStack(failure), dieAsStub)
      const die = (): Promise<boolean> =>
        failure.error.stack === undefined ? dieWith(failure, dieAsStub) : dieWith(failure, dieWithoutStack)
      if (settlement.kind === 'dead') return await die()
      const delayMs = Math.max(0, Math.ceil(settlement.delayMs))
      const record = encodeRecord(message, { attempt: attempt + 1, failure, delayMs })
      if (recordBytes(record) > maxRecordBytes) return await die()
      return await write(entry, retryTopic, () => ({ record, partition: tierFor(delayMs) }), { instead: die })
    },
    async forward(entry) {
      const { decoded, record, tracker } = entry
      if (decoded === undefined || record === undefined) return false
      const { message, attempt, failure, dueMs } = decoded
      const origin = waitingIdOf(tracker, record)
      return await write(entry, retryTopic, () => {
        const delayMs = Math.max(0, dueMs - Date.now())
        return { record: encodeRecord(message, { attempt, failure, delayMs, origin }), partition: tierFor(delayMs) }
      })
    },
    async hurry(entry) {
      const { decoded } = entry
      if (decoded === undefined) return false
      const { message, attempt, failure } = decoded
      const record = encodeRecord(message, { attempt, failure })
      return await write(entry, retryTopic, () => ({ record, partition: tierFor(0) }))
    },
  }
}

/** Makes the same id for a record that dies again after a crash, so that it is one dead letter. */
function entryIdOf({ tracker, offset, record }: Entry): string {
  return `${tracker.kind}.${tracker.partition}.${offset}.${record?.timestampMs ?? 0}`
}
