import { type DeadLetter, type DeadLetters, type Queue, type Target, Unrecoverable } from '../../index.js'
import type { Collector } from './collector.js'
import { range } from './expect.js'
import type { Kit } from './kit.js'

export interface DeadGroup {
  readonly entries: readonly DeadLetter[]
  readonly letters: DeadLetters
  /** The runs of the consumer, including the failed ones. */
  readonly collector: Collector
  /** Makes the handler succeed from now on. */
  repair(): void
}

/**
 * Publishes messages with the ids `d-0`, `d-1`, ... and their numbers as data, and lets each die in its first run. Other
 * groups of the topic get them too.
 */
export async function deadGroup(
  kit: Kit,
  queue: Queue,
  { topic, count, group = 'g' }: { readonly topic: string; readonly count: number; readonly group?: string },
): Promise<DeadGroup> {
  let isBroken = true
  const handler = (): void => {
    if (isBroken) throw new Unrecoverable('dead on purpose')
  }
  const collector = await kit.collect(queue, topic, { group, handler })
  for (const number of range(count)) await queue.publish(topic, number, { id: `d-${number}` })
  const entries = await untilDead(kit, queue, { topic, count, group })
  const repair = (): void => {
    isBroken = false
  }
  return { entries, letters: queue.deadLetters(topic, group), collector, repair }
}

/** Resolves with all dead letters once there are `count` of them. */
export async function untilDead(
  kit: Kit,
  queue: Queue,
  { topic, count, group = 'g', timeoutMs = 20_000 * kit.patience }: UntilDeadOptions,
): Promise<readonly DeadLetter[]> {
  let entries: readonly DeadLetter[] = []
  const isThere = async (): Promise<boolean> => {
    entries = await queue.deadLetters(topic, group).list({ limit: 1_000 })
    return entries.length >= count
  }
  await kit.until(() => `${count} dead letters; there are ${entries.length}`, isThere, { timeoutMs })
  return entries
}

export interface UntilDeadOptions {
  readonly topic: Target
  readonly count: number
  readonly group?: string
  readonly timeoutMs?: number
}

export const idsOf = (entries: readonly DeadLetter[]): readonly string[] => entries.map(({ message }) => message.id)

/** Sorts entries by their ids. The order of entries that died at about the same time is not specified. */
export const inOneOrder = (entries: readonly DeadLetter[]): readonly DeadLetter[] =>
  [...entries].sort((one, other) => (one.entryId < other.entryId ? -1 : 1))
