import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createQueue, createScheduler } from '@mq/core'
import { redisStore } from '@mq/redis'
import { type Child, child, type ServerKind, until } from '@mq/test-brokers'
import { createLedger, type Figures } from './ledger.js'
import { adapterFor, everyMs, type Job, type Said, taskOf } from './plan.js'

export interface TrialOptions {
  readonly broker: ServerKind
  readonly url: string
  /** The URL of the Redis that holds the store. Default: no store. */
  readonly storeUrl?: string
  readonly seconds: number
  readonly random: () => number
  /** Environment of the replicas. Without it they run the sources. */
  readonly env?: Readonly<Record<string, string>>
}

export interface Trial extends Figures {
  /** How many replicas were ended by SIGKILL. */
  readonly kills: number
  /** How many of them had enqueued the latest tick. */
  readonly ownerKills: number
}

const replicas = 3
const entry = new URL('./replica.ts', import.meta.url)
/** How long a takeover may take on a busy machine. */
const patienceMs = 90_000

/**
 * Runs three replicas of a schedule with one tick a second. Every two to four seconds it kills one of them, often the owner, and
 * starts it again. The worker of the task is this process, which keeps running.
 */
export async function trial({ broker, url, storeUrl, seconds, random, env = {} }: TrialOptions): Promise<Trial> {
  const stored = storeUrl === undefined ? {} : { storeUrl }
  const job: Job = { broker, url, ...stored, name: `trial-${randomUUID()}` }
  const ledger = createLedger(job.name)
  const store = storeUrl === undefined ? undefined : redisStore({ url: storeUrl })
  const queue = createQueue(adapterFor(job))
  const running: Child<Said>[] = []
  let kills = 0
  let ownerKills = 0
  try {
    await queue.connect()
    const scheduler = createScheduler(queue, { ...(store && { store }) })
    const record = taskOf(job.name, (_, { id }) => ledger.add(id))
    await scheduler.register(record)
    await scheduler.start()
    running.push(...(await Promise.all(Array.from({ length: replicas }, () => startReplica(job, env)))))

    const from = Date.now()
    const to = from + seconds * 1_000
    for (;;) {
      await sleep(Math.min(untilNextKill(random), Math.max(0, to - Date.now())))
      if (Date.now() >= to) break
      const owner = ownerOf(running)
      const any = running[Math.floor(random() * running.length)] as Child<Said>
      const victim = random() < 0.5 ? (owner ?? any) : any
      await victim.kill()
      kills += 1
      if (victim === owner || victim === ownerOf(running)) ownerKills += 1
      running[running.indexOf(victim)] = await startReplica(job, env)
    }
    const isComplete = (): boolean => ledger.missing(from, to).length === 0
    // The figures list the ticks that are still missing after that.
    await until(isComplete, { what: 'every tick to have run', timeoutMs: patienceMs }).catch(() => {})
    return { ...ledger.figures(from, to), kills, ownerKills }
  } finally {
    await Promise.all(running.map((replica) => replica.stop()))
    await queue.disconnect({ timeoutMs: 1_000 })
    await store?.disconnect()
  }
}

/** Returns two to four seconds. Every other time the kill falls into the moments after a tick, when most can go wrong. */
function untilNextKill(random: () => number): number {
  const pauseMs = 2_000 + random() * 2_000
  if (random() < 0.5) return pauseMs
  const tick = Math.ceil((Date.now() + pauseMs) / everyMs) * everyMs
  return tick + random() * 40 - Date.now()
}

async function startReplica(job: Job, env: Readonly<Record<string, string>>): Promise<Child<Said>> {
  const started = await child<Said>(entry, { args: [JSON.stringify(job)], env })
  const isReady = (said: readonly Said[]): boolean => said.some(({ type }) => type === 'ready')
  await started.waitFor(isReady, { what: 'a replica to be ready', timeoutMs: patienceMs })
  return started
}

/** Returns the replica that enqueued the task last. */
function ownerOf(all: readonly Child<Said>[]): Child<Said> | undefined {
  const lastOf = (one: Child<Said>): number =>
    one.reported().reduce((last, said) => (said.type === 'enqueues' ? Math.max(last, said.at) : last), 0)
  const latest = Math.max(...all.map(lastOf))
  return latest === 0 ? undefined : all.find((one) => lastOf(one) === latest)
}
