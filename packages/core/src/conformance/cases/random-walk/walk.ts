import assert from 'node:assert/strict'
import { isMqError, type Queue, type Subscription } from '../../../index.js'
import { range } from '../../kit/expect.js'
import { reasonOf } from '../../kit/failure-text.js'
import type { Kit } from '../../kit/kit.js'
import { doubtPerFault, healMs, untilWell } from '../../kit/load.js'
import { sleep } from '../../kit/wait.js'
import { createWalkModel, fates, type WalkModel } from './walk-model.js'

export interface WalkOptions {
  readonly steps: number
  /** Connections are cut and consumers leave without letting their handlers finish. */
  readonly rough: boolean
}

interface Member {
  readonly queue: Queue
  readonly group: string
  readonly subscription: Subscription
}

const groups = ['g', 'h'] as const
const membersPerGroup = 3
const concurrency = 5

/**
 * Performs random operations of applications. Compares what happened to each message with the model, which says what had to
 * happen. An error names the seed and the last steps.
 */
export async function walk(kit: Kit, options: WalkOptions): Promise<void> {
  const done: string[] = []
  try {
    await steps(kit, options, done)
  } catch (error) {
    const where = `seed ${kit.seed}, after ${done.length} steps, the last ones: ${done.slice(-12).join('; ')}`
    throw new Error(`${reasonOf(error as Error)} (${where})`, { cause: error })
  }
}

async function steps(kit: Kit, { steps: count, rough }: WalkOptions, done: string[]): Promise<void> {
  const skips = !kit.capabilities.exactAttempts
  // A cut may count as a run, and so may a stop if attempts are not exact. Neither may use up the last attempt.
  const attempts = rough || skips ? 12 : 3
  const retry = { attempts, backoff: 'fixed', delayMs: 50, jitter: 'none' } as const
  const model = createWalkModel({ groups, attempts, exact: !rough, skips })
  const publisher = await kit.queue({ retry })
  const topic = kit.topic()
  for (const group of groups) await publisher.declareGroup(topic, group)
  const members: Member[] = []
  let published = 0
  let doubts = 0

  const below = (limit: number): number => Math.floor(kit.random() * limit)
  const pick = <T>(values: readonly T[]): T | undefined => values[below(values.length)]
  /** Returns whether the operation succeeded. In a rough walk it may fail because its connection is lost. */
  const attempt = async (work: () => Promise<void>): Promise<boolean> => {
    try {
      await work()
      return true
    } catch (error) {
      if (!rough || !isMqError(error)) throw error
      return false
    }
  }

  const publish = async (): Promise<void> => {
    const batch = range(1 + below(15)).map(() => {
      const delayMs = kit.random() < 0.25 ? 1 + below(300) : 0
      const plan = { fate: pick(fates) ?? 'works', workMs: below(8) } as const
      return { id: `w-${published++}`, delayMs, plan, key: `k${below(5)}` }
    })
    await Promise.all(
      batch.map(async ({ id, delayMs, plan, key }) => {
        model.plan(id, { ...plan, dueAt: Date.now() + delayMs })
        try {
          await publisher.publish(topic, plan, { id, key, delayMs, timeoutMs: 5_000 })
          model.settle(id, 'stored')
        } catch (error) {
          if (!rough) throw error
          if (isMqError(error, 'MQ_PUBLISH_REJECTED')) model.settle(id, 'rejected')
          else if (isMqError(error, 'MQ_PUBLISH_UNKNOWN')) model.settle(id, 'unknown')
          else throw error
        }
      }),
    )
  }
  const join = async (group: string): Promise<void> => {
    if (members.filter((member) => member.group === group).length >= membersPerGroup) return
    const queue = kit.random() < 0.5 ? publisher : await kit.queue({ retry })
    const handler = model.handlerOf(group)
    await attempt(async () => {
      const subscription = await queue.subscribe(topic, handler, { group, concurrency, retry })
      members.push({ queue, group, subscription })
    })
  }
  const leave = async (): Promise<void> => {
    const index = below(members.length)
    const [member] = members.splice(index, 1)
    if (member === undefined) return
    const isAbrupt = rough && kit.random() < 0.5
    if (isAbrupt) doubts += concurrency
    const deadline = isAbrupt ? { timeoutMs: 0 } : {}
    if (member.queue === publisher || kit.random() < 0.5) await member.subscription.stop(deadline)
    else await disconnect(member.queue, deadline)
  }
  /** A queue may have several members. */
  const disconnect = async (queue: Queue, deadline: { readonly timeoutMs?: number }): Promise<void> => {
    await queue.disconnect(deadline)
    for (const other of members.filter((member) => member.queue === queue)) members.splice(members.indexOf(other), 1)
  }
  const take = async (how: 'replayed' | 'purged'): Promise<void> => {
    const group = pick(groups) ?? 'g'
    const store = publisher.deadLetters(topic, group)
    await attempt(async () => {
      const entries = (await store.list({ limit: 20 })).filter(({ message }) => !model.isTaken(group, message.id))
      const chosen = entries.slice(0, 1 + below(4))
      const ids = chosen.map(({ entryId }) => entryId)
      for (const { message } of chosen) model.take(group, message.id, how)
      const isDone = await attempt(async () => {
        const number = how === 'replayed' ? (await store.replay(ids)).replayed : (await store.purge(ids)).purged
        if (!rough) assert.equal(number, ids.length, `${how} entries`)
      })
      if (!isDone) for (const { message } of chosen) model.take(group, message.id, 'either')
    })
  }
  const cut = async (): Promise<void> => {
    doubts += doubtPerFault
    await kit.faults.cut()
  }

  const operations: readonly (readonly [name: string, weight: number, work: () => Promise<void>])[] = [
    ['publish', 40, publish],
    ['join g', 8, () => join('g')],
    ['join h', 8, () => join('h')],
    ['leave', 12, leave],
    ['replay', 12, () => take('replayed')],
    ['purge', 8, () => take('purged')],
    ['wait', 20, () => sleep(below(80))],
    ...(rough ? ([['cut', 5, cut]] as const) : []),
  ]
  const total = operations.reduce((sum, [, weight]) => sum + weight, 0)
  for (const _ of range(count)) {
    let at = kit.random() * total
    const chosen = operations.find(([, weight]) => {
      at -= weight
      return at < 0
    })
    if (chosen === undefined) continue
    done.push(chosen[0])
    await chosen[2]()
  }

  for (const queue of new Set([publisher, ...members.map((member) => member.queue)])) await untilWell(kit, queue)
  // The last step may have been a cut that nobody has noticed yet.
  for (const group of groups) {
    const last = (): Promise<boolean> =>
      attempt(
        async () => void (await publisher.subscribe(topic, model.handlerOf(group), { group, concurrency, retry })),
      )
    await kit.until(`a consumer of ${group}`, last, { timeoutMs: kit.redeliveryMs + healMs })
  }
  await account(kit, model, publisher, { rough, doubts })
}

interface Accounting {
  readonly rough: boolean
  readonly doubts: number
}

async function account(kit: Kit, model: WalkModel, queue: Queue, { rough, doubts }: Accounting): Promise<void> {
  const timeoutMs = rough ? kit.redeliveryMs + healMs : 20_000
  const what = () => `${model.missing().length} messages to be handled: ${model.missing().slice(0, 5).join(', ')}`
  await kit.until(what, () => model.missing().length === 0, { timeoutMs })
  const dead = new Map<string, readonly string[]>()
  const lacking = async (): Promise<number> => {
    let lacks = 0
    for (const group of groups) {
      const entries = await queue.deadLetters(kit.topic(), group).list({ limit: 10_000 })
      dead.set(
        group,
        entries.map(({ message }) => message.id),
      )
      lacks += model.deadOf(group).filter((id) => !dead.get(group)?.includes(id)).length
    }
    return lacks
  }
  await kit.quiet(model.runs)
  await kit.until('the other messages to be dead letters', async () => (await lacking()) === 0, { timeoutMs })
  await kit.quiet(model.runs)
  await lacking()
  model.check(dead)
  assert.ok(
    model.surplus() <= doubts,
    `messages were handled ${model.surplus()} times more than once, at most ${doubts} times are allowed`,
  )
}
