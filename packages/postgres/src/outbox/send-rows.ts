import { setTimeout as sleep } from 'node:timers/promises'
import type { PublishOutcome, Queue } from '@mq/core'
import { forward, isMqError, MqError, type MqErrorCode, taskTopic, workersGroup } from '@mq/core/adapter'
import type { OutboxRow, Settled } from './rows.js'

export interface SendOptions {
  /** The time limit of one try. */
  readonly timeoutMs: number
  /** Ends the tries. */
  readonly signal: AbortSignal
  /** Called with each failure that is tried again. */
  readonly onFailed: (error: MqError) => void
  /** Called whenever the broker has stored something. */
  readonly onSent: () => void
}

/** No broker takes such a message later. */
const final: readonly MqErrorCode[] = ['MQ_MESSAGE_TOO_LARGE', 'MQ_NOT_SUPPORTED', 'MQ_INVALID_NAME']
/** How often a message is refused while the broker is well, until it is taken for one that is refused for good. */
const maxRefusals = 5
const minPauseMs = 50
const maxPauseMs = 1_000

/**
 * Sends rows, and tries again what failed, until each is stored or refused for good. So no later batch overtakes a message of this one.
 * With `signal` it ends earlier, and the rows that are in no list are still to be sent.
 */
export async function sendRows(queue: Queue, rows: readonly OutboxRow[], options: SendOptions): Promise<Settled> {
  const { signal } = options
  const sent: string[] = []
  const dead: { readonly id: string; readonly error: string }[] = []
  const refusals = new Map<string, number>()
  let left = rows
  for (let pauseMs = minPauseMs; ; pauseMs = Math.min(maxPauseMs, 2 * pauseMs)) {
    const again: OutboxRow[] = []
    for (const [row, outcome] of await tryAll(queue, left, options)) {
      if (outcome.status === 'stored') sent.push(row.id)
      else if (isForGood(queue, row, outcome, refusals)) dead.push({ id: row.id, error: outcome.error.message })
      else again.push(row)
    }
    left = again
    if (left.length === 0 || signal.aborted) return { sent, dead }
    await sleep(pauseMs, undefined, { signal }).catch(() => {})
    if (signal.aborted) return { sent, dead }
  }
}

type Result = readonly [OutboxRow, PublishOutcome]

/** Tries to send rows once, those of each topic in one call. */
async function tryAll(queue: Queue, rows: readonly OutboxRow[], options: SendOptions): Promise<readonly Result[]> {
  const topics = new Map<string, OutboxRow[]>()
  for (const row of rows) {
    const same = topics.get(row.topic)
    if (same === undefined) topics.set(row.topic, [row])
    else same.push(row)
  }
  const results = await Promise.all([...topics].map(([topic, some]) => tryTopic(queue, topic, some, options)))
  return results.flat()
}

async function tryTopic(
  queue: Queue,
  topic: string,
  rows: readonly OutboxRow[],
  { timeoutMs, onFailed, onSent }: SendOptions,
): Promise<readonly Result[]> {
  try {
    // A task waits even if no worker exists yet.
    if (isOfTask(topic)) await queue.declareGroup(topic, workersGroup)
    const outcomes = await forward(
      queue,
      topic,
      rows.map(({ message }) => message),
      { timeoutMs },
    )
    if (outcomes.some(({ status }) => status === 'stored')) onSent()
    const failed = outcomes.find((outcome) => outcome.status !== 'stored')
    if (failed !== undefined && 'error' in failed) onFailed(failed.error)
    return rows.map((row, index) => [row, outcomes[index] as PublishOutcome])
  } catch (cause) {
    const error = isMqError(cause)
      ? cause
      : new MqError('MQ_OPERATION_FAILED', `Sending failed: ${String(cause)}`, { cause })
    onFailed(error)
    return rows.map((row) => [row, { status: 'unknown', id: row.message.id, error }])
  }
}

const isOfTask = (topic: string): boolean => topic.startsWith(taskTopic(''))

/** Counts how often a message was refused while the broker was well. */
function isForGood(
  queue: Queue,
  { id }: OutboxRow,
  outcome: Exclude<PublishOutcome, { readonly status: 'stored' }>,
  refusals: Map<string, number>,
): boolean {
  if (isMqError(outcome.error) && final.includes(outcome.error.code)) return true
  if (outcome.status !== 'rejected' || queue.health().status === 'down') return false
  const count = (refusals.get(id) ?? 0) + 1
  refusals.set(id, count)
  return count >= maxRefusals
}
