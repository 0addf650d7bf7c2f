import assert from 'node:assert/strict'
import type { Queue, QueueStats } from '../../index.js'
import type { Kit } from './kit.js'
import { healMs } from './load.js'

type Counts = Pick<QueueStats, 'ready' | 'inFlight' | 'delayed' | 'retrying' | 'dead'>

/**
 * Waits until the stats of the group are as given, as far as the broker can count. Counts that are not given have to be
 * 0.
 */
export async function untilStats(
  kit: Kit,
  queue: Queue,
  { topic, group = 'g', ...expected }: Partial<Counts> & { readonly topic: string; readonly group?: string },
): Promise<void> {
  const wanted = { ready: 0, inFlight: 0, delayed: 0, retrying: 0, dead: 0, ...expected }
  let seen: QueueStats | undefined
  const fits = async (): Promise<boolean> => {
    const now = await queue.stats(topic, group)
    seen = now
    const fitting = now.retrying === undefined ? together(wanted) : wanted
    return (Object.keys(wanted) as (keyof Counts)[]).every((name) => (now[name] ?? fitting[name]) === fitting[name])
  }
  await kit.until(() => `stats to be ${JSON.stringify(wanted)}; they are ${JSON.stringify(seen)}`, fits)
  for (const name of Object.keys(expected) as (keyof Counts)[]) kit.measured(name, seen?.[name])
}

/** Returns the counts of an adapter that counts retries as delayed. */
const together = ({ delayed = 0, retrying = 0, ...others }: Counts): Counts => ({
  ...others,
  delayed: delayed + retrying,
  retrying: 0,
})

/** Waits until no message of the group waits or runs, and checks that none is dead. */
export async function nothingLeft(kit: Kit, queue: Queue, topic: string): Promise<void> {
  await untilStats(kit, queue, { topic })
  assert.deepEqual(await queue.deadLetters(topic).list(), [])
}

/** Waits until nothing is left at the broker that was not there before. */
export async function nothingNew(
  kit: Kit,
  before: readonly string[],
  timeoutMs = kit.redeliveryMs + healMs,
): Promise<void> {
  const known = new Set(before)
  let left: readonly string[] = []
  const isClean = async (): Promise<boolean> => {
    left = (await kit.faults.leftovers()).filter((name) => !known.has(name))
    return left.length === 0
  }
  await kit.until(() => `nothing to be left; there is ${left.slice(0, 5).join(', ')}`, isClean, { timeoutMs })
}
