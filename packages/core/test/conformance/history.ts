import assert from 'node:assert/strict'
import { quiet, until } from '../../src/conformance/kit/wait.js'
import type { Environment } from '../../src/conformance/runner/environment.js'
import { createQueue, isMqError, type Queue, type Subscription, Unrecoverable } from '../../src/index.js'

// A history is a list of steps on one topic with two groups. At its end the accounts have to be right, after any steps.

const groups = ['a', 'b'] as const
export type Group = (typeof groups)[number]
export type Fate = 'handled' | 'retried' | 'dead'

export type Step =
  | { readonly type: 'publish'; readonly count: number; readonly fate: Fate; readonly delayMs: number }
  | { readonly type: 'join'; readonly group: Group; readonly concurrency: number }
  | { readonly type: 'leave' | 'vanish' | 'replay' | 'purge'; readonly group: Group }
  | { readonly type: 'cut' | 'restart' | 'freeze' }

interface Member {
  readonly queue: Queue
  readonly subscription: Subscription
}

/** The events of the messages in one group. */
interface Account {
  readonly handled: Map<string, number>
  readonly purged: Set<string>
  readonly members: Member[]
}

const log = { debug() {}, info() {}, warn() {}, error() {} }
const retry = { attempts: 20, backoff: 'fixed', delayMs: 20, jitter: 'none' } as const

/** Carries out the steps, then throws if the accounts are wrong. */
export async function playHistory(environment: Environment, topic: string, steps: readonly Step[]): Promise<void> {
  const queues: Queue[] = []
  const open = async (): Promise<Queue> => {
    const queue = createQueue(environment.adapter(), { log, retry, publishTimeoutMs: 5_000 })
    queues.push(queue)
    await queue.connect()
    return queue
  }
  try {
    await play(environment, open, topic, steps)
  } finally {
    await Promise.all(queues.map((queue) => queue.disconnect({ timeoutMs: 0 })))
  }
}

async function play(
  environment: Environment,
  open: () => Promise<Queue>,
  topic: string,
  steps: readonly Step[],
): Promise<void> {
  const fates = new Map<string, Fate>()
  const stored = new Set<string>()
  const unknown = new Set<string>()
  const accounts: Record<Group, Account> = { a: newAccount(), b: newAccount() }
  const publisher = await open()
  for (const group of groups) await publisher.declareGroup(topic, group)
  let made = 0
  let isInDoubt = false

  const join = async (group: Group, concurrency: number): Promise<void> => {
    const { handled, members } = accounts[group]
    const queue = await open()
    const subscription = await queue.subscribe(
      topic,
      ({ id, attempt }) => {
        if (fates.get(id) === 'retried' && attempt === 1) throw new Error('once')
        if (fates.get(id) === 'dead') throw new Unrecoverable('as planned')
        handled.set(id, (handled.get(id) ?? 0) + 1)
      },
      { group, concurrency },
    )
    members.push({ queue, subscription })
  }
  const publish = async (fate: Fate, delayMs: number): Promise<void> => {
    const id = `m-${made++}`
    fates.set(id, fate)
    try {
      await publisher.publish(topic, id, { id, delayMs })
      stored.add(id)
    } catch (error) {
      if (isMqError(error, 'MQ_PUBLISH_UNKNOWN')) unknown.add(id)
      else if (!isMqError(error, 'MQ_PUBLISH_REJECTED')) throw error
    }
  }
  const purge = async (group: Group): Promise<void> => {
    const dead = publisher.deadLetters(topic, group)
    const entries = await dead.list({ limit: 1_000 })
    // Recorded before the call, because a lost answer leaves unknown whether the entries are gone.
    for (const { message } of entries) accounts[group].purged.add(message.id)
    await dead.purge(entries.map(({ entryId }) => entryId))
  }
  /** Lets operations other than publishes fail only if their connection is lost. */
  const unlessCut = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      if (!isInDoubt || !isMqError(error, 'MQ_CONNECTION_LOST')) throw error
    }
  }
  const take = async (step: Step): Promise<void> => {
    switch (step.type) {
      case 'publish':
        await Promise.all(Array.from({ length: step.count }, () => publish(step.fate, step.delayMs)))
        return
      case 'join':
        await unlessCut(() => join(step.group, step.concurrency))
        return
      case 'leave':
        await accounts[step.group].members.shift()?.subscription.stop()
        return
      case 'vanish':
        isInDoubt = true
        await accounts[step.group].members.shift()?.queue.disconnect({ timeoutMs: 0 })
        return
      case 'replay':
        await unlessCut(() => publisher.deadLetters(topic, step.group).replay())
        return
      case 'purge':
        await unlessCut(() => purge(step.group))
        return
      default:
        isInDoubt = true
        await hurt(environment, step.type)
    }
  }

  for (const step of steps) await take(step)
  await until('the publisher to be connected again', () => publisher.health().status === 'up')
  for (const group of groups) {
    if (accounts[group].members.length === 0) await join(group, 5)
    await settle(publisher, topic, { group, account: accounts[group], fates, stored, unknown, isInDoubt })
  }
}

const newAccount = (): Account => ({ handled: new Map(), purged: new Set(), members: [] })

async function hurt({ faults }: Environment, how: 'cut' | 'restart' | 'freeze'): Promise<void> {
  if (how === 'cut') await faults.cut()
  else if (how === 'restart') {
    await faults.kill()
    await faults.restart()
  } else {
    await faults.freeze('both')
    await new Promise((resolve) => setTimeout(resolve, 300))
    await faults.heal()
  }
}

interface Books {
  readonly group: Group
  readonly account: Account
  readonly fates: ReadonlyMap<string, Fate>
  readonly stored: ReadonlySet<string>
  readonly unknown: ReadonlySet<string>
  /** Whether a connection was lost, so that a message may have been handled twice. */
  readonly isInDoubt: boolean
}

async function settle(queue: Queue, topic: string, books: Books): Promise<void> {
  const { group, account, fates, stored, unknown, isInDoubt } = books
  const { handled, purged } = account
  let dead = new Set<string>()
  const missing = (): string[] =>
    [...stored].filter((id) => (fates.get(id) === 'dead' ? !dead.has(id) && !purged.has(id) : !handled.has(id)))
  const look = async (): Promise<boolean> => {
    const entries = await queue.deadLetters(topic, group).list({ limit: 1_000 })
    dead = new Set(entries.map(({ message }) => message.id))
    return missing().length === 0
  }
  await until(() => `group ${group}: ${missing().join(', ')}`, look, { timeoutMs: 8_000 })
  await quiet(() => [...handled.values()].reduce((sum, count) => sum + count, 0), 80)
  await look()
  const known = (id: string): boolean => stored.has(id) || unknown.has(id)
  assert.deepEqual(
    [...handled.keys()].filter((id) => !known(id)),
    [],
    `group ${group}: handled, but never stored`,
  )
  const wrongly = [...dead].filter((id) => !known(id) || fates.get(id) !== 'dead')
  assert.deepEqual(wrongly, [], `group ${group}: dead without a reason`)
  const twice = [...handled].filter(([, count]) => count > 1).map(([id]) => id)
  if (!isInDoubt) assert.deepEqual(twice, [], `group ${group}: handled twice although nothing was in doubt`)
}
