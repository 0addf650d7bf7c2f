// Sends single messages through one adapter, in a process of its own, and prints which functions of the bundle each one called.
import { randomUUID } from 'node:crypto'
import { Session } from 'node:inspector/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { createQueue, type Queue } from '@mq/core'
import type { Adapter } from '@mq/core/adapter'

/** A function of the bundle that ran: its name, which may be empty, and where it begins. */
export interface RanFunction {
  readonly name: string
  readonly offset: number
}

/** How a message ends: after its first run, or after a run that fails, a retry that fails too, and a dead letter. */
export type Way = 'done' | 'dead'
export type RanFunctions = Readonly<Record<Way, readonly RanFunction[]>>

const group = 'walk'
const warmUp = 5
const rounds = 5

export interface WalkJob {
  readonly url: string
  /** How long a settlement may take to reach the broker after its event. */
  readonly quietMs: number
}

const { url, quietMs } = JSON.parse(process.argv[2] ?? '{}') as WalkJob

/**
 * Called by the entry of the bundle.
 * @public
 */
export async function walk(createAdapter: (options: { readonly url: string }) => Adapter): Promise<void> {
  const queue = createQueue(createAdapter({ url }), { group })
  await queue.connect()
  const coverage = await startCoverage()
  const ran: RanFunctions = {
    done: await functionsOf('done', queue, coverage),
    dead: await functionsOf('dead', queue, coverage),
  }
  await queue.disconnect()
  process.stdout.write(`\n${JSON.stringify(ran)}\n`, () => process.exit(0))
}

/** Lists the functions that ran for every one of several messages, so that those of a timer in the background are left out. */
async function functionsOf(way: Way, queue: Queue, coverage: Coverage): Promise<readonly RanFunction[]> {
  const send = await sender(way, queue)
  for (let count = 0; count < warmUp; count++) await send()
  const counts = new Map<number, { readonly ran: RanFunction; times: number }>()
  for (let round = 0; round < rounds; round++) {
    await coverage.take()
    await send()
    for (const ran of await coverage.take()) {
      const count = counts.get(ran.offset) ?? { ran, times: 0 }
      count.times += 1
      counts.set(ran.offset, count)
    }
  }
  return [...counts.values()].filter(({ times }) => times === rounds).map(({ ran }) => ran)
}

/** Subscribes, and returns a function that publishes a message and waits until it is settled for good. */
async function sender(way: Way, queue: Queue): Promise<() => Promise<void>> {
  const topic = `walk-${randomUUID()}`
  const retry = { attempts: 2, backoff: 'fixed', delayMs: 100, jitter: 'none' } as const
  const handler = way === 'done' ? () => {} : () => Promise.reject(new Error('It fails in every attempt'))
  const lastAttempt = way === 'done' ? 1 : 2
  let settled = (): void => {}
  queue.on('settled', (event) => {
    if (event.topic === topic && event.attempt === lastAttempt) settled()
  })
  await queue.subscribe(topic, handler, { retry, concurrency: 1 })
  return async () => {
    const isSettled = new Promise<void>((resolve) => {
      settled = resolve
    })
    await queue.publish(topic, { order: 7 })
    await isSettled
    await sleep(quietMs)
  }
}

interface Coverage {
  /** Returns the functions of this file that ran since the last call. */
  take(): Promise<readonly RanFunction[]>
}

async function startCoverage(): Promise<Coverage> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  return {
    async take() {
      const { result } = await session.post('Profiler.takePreciseCoverage')
      const functions = result.find(({ url }) => url === import.meta.url)?.functions ?? []
      return functions
        .filter(({ ranges }) => (ranges[0]?.count ?? 0) > 0)
        .map(({ functionName, ranges }) => ({ name: functionName, offset: ranges[0]?.startOffset ?? 0 }))
    },
  }
}
