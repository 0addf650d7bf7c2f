import { setTimeout as sleep } from 'node:timers/promises'
import { MqError, type Settlement, type Source } from '@mq/core'
import type { OutgoingRecord } from './driver/record-writer.js'
import type { Outbox } from './outbox.js'
import { encodeRecord } from './record.js'
import { tierFor } from './tiers.js'
import { deadPartition, type Topology } from './topology.js'
import type { Entry } from './tracker.js'

export interface SettlerOptions {
  readonly source: Source
  readonly outbox: Outbox
  readonly topology: Topology
  readonly error: (error: MqError) => void
}

const sendTimeoutMs = 15_000
const pauseMs = 1_000

/**
 * Writes what a group keeps: retries and dead letters. Each is written before the record it comes from is finished, and as
 * often as it takes, so that a failure in between repeats a message and loses none.
 */
export function createSettler({ source, outbox, topology, error: report }: SettlerOptions) {
  const retryTopic = topology.topicsOf.retry(source)
  const deadTopic = topology.topicsOf.dead(source)

  /** False once the entry is no longer this consumer's. */
  async function write(
    entry: Entry,
    topic: string,
    next: () => { readonly record: OutgoingRecord; readonly partition: number },
  ): Promise<boolean> {
    while (entry.state === 'running') {
      const { record, partition } = next()
      try {
        const [outcome] = await outbox.send(topic, [record], { timeoutMs: sendTimeoutMs, partition })
        if (outcome?.status === 'stored') return true
        const why = outcome?.error?.message ?? 'no answer'
        report(
          new MqError('MQ_OPERATION_FAILED', `A message of ${topic} is not settled yet: ${why}`, {
            cause: outcome?.error,
          }),
        )
      } catch {
        // The adapter is closed.
        return false
      }
      await sleep(pauseMs)
    }
    return false
  }

  return {
    async carryOut(entry: Entry, settlement: Settlement & { kind: 'retry' | 'dead' }): Promise<boolean> {
      const { decoded } = entry
      if (decoded === undefined) return false
      const { message, attempt } = decoded
      const { failure } = settlement
      if (settlement.kind === 'dead') {
        const record = encodeRecord(message, { attempt, failure }, entryIdOf(entry))
        return await write(entry, deadTopic, () => ({ record, partition: deadPartition.letters }))
      }
      const delayMs = Math.max(0, Math.ceil(settlement.delayMs))
      const record = encodeRecord(message, { attempt: attempt + 1, failure, delayMs })
      return await write(entry, retryTopic, () => ({ record, partition: tierFor(delayMs) }))
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
