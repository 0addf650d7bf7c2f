import { setTimeout as sleep } from 'node:timers/promises'
import { brokerMemory } from './broker-memory.js'
import { bodyOf, type OpenOptions, type OpenSystem, type System } from './system.js'

export interface Workload {
  readonly messages: number
  readonly bytes: number
  /** How many publishes wait for an answer at a time, and how many handlers run at a time. */
  readonly inFlight: number
  /** The rate of the latency measurement. */
  readonly perSecond: number
  /** How long the latency is measured. With 0 it is not. */
  readonly latencyMs: number
}

export interface Figures {
  readonly publishPerSecond: number
  readonly drainPerSecond: number
  /** Undefined if the latency was not measured. */
  readonly latencyP50Ms?: number
  readonly latencyP99Ms?: number
  /** The peak of this process. */
  readonly peakRssMiB: number
  /** The memory of the broker that each waiting message takes. Only if the broker reports its memory. */
  readonly brokerBytes?: number
}

const maxWarmUp = 1_000

/** Returns how long a phase may take, even on a slow machine: two minutes, and a millisecond for each message. */
export const limitMs = (messages: number): number => 120_000 + messages

/** Publishes everything, then handles everything, then measures the latency of single messages. */
export async function measure(
  open: OpenSystem,
  at: Omit<OpenOptions, 'concurrency'>,
  work: Workload,
): Promise<Figures> {
  const options = { ...at, concurrency: work.inFlight }
  const throughput = await withSystem(open, { ...options, topic: `${at.topic}-a` }, async (system) => {
    const warmUp = Math.min(maxWarmUp, Math.ceil(work.messages / 10))
    await publishAll(system, warmUp, work)
    const before = await brokerMemory(at.url)
    const publishPerSecond = await rateOf(work.messages, () => publishAll(system, work.messages, work))
    const after = await brokerMemory(at.url)
    const drainPerSecond = await rateOf(work.messages + warmUp, () => drain(system, work.messages + warmUp))
    const isReported = before !== undefined && after !== undefined
    return { publishPerSecond, drainPerSecond, ...(isReported && { brokerBytes: (after - before) / work.messages }) }
  })
  const latencies = await latenciesOf(open, { ...options, topic: `${at.topic}-b` }, work)
  return { ...throughput, ...latencies, peakRssMiB: process.resourceUsage().maxRSS / 1024 }
}

async function latenciesOf(
  open: OpenSystem,
  options: OpenOptions,
  work: Workload,
): Promise<Pick<Figures, 'latencyP50Ms' | 'latencyP99Ms'>> {
  if (work.latencyMs === 0) return {}
  const sorted = await withSystem(open, options, (system) => latency(system, work))
  return { latencyP50Ms: percentile(sorted, 0.5), latencyP99Ms: percentile(sorted, 0.99) }
}

async function withSystem<T>(open: OpenSystem, options: OpenOptions, use: (system: System) => Promise<T>): Promise<T> {
  const system = await open(options)
  try {
    return await use(system)
  } finally {
    await system.close()
  }
}

/** Publishes so many messages, with `inFlight` waiting for an answer at a time. */
export async function publishAll(
  system: System,
  count: number,
  { bytes, inFlight }: Pick<Workload, 'bytes' | 'inFlight'>,
): Promise<void> {
  const body = bodyOf(0, bytes)
  let left = count
  const publisher = async (): Promise<void> => {
    while (left-- > 0) await system.publish(body)
  }
  await Promise.all(Array.from({ length: inFlight }, publisher))
}

async function drain(system: System, count: number): Promise<void> {
  await inTime(
    count,
    new Promise<void>((resolve, reject) => {
      let handled = 0
      system
        .consume(() => {
          handled += 1
          if (handled === count) resolve()
        })
        .catch(reject)
    }),
  )
}

/** Measures the milliseconds from just before the publish to the start of the handler, at a steady rate. Returns them sorted. */
async function latency(system: System, { bytes, perSecond, latencyMs }: Workload): Promise<number[]> {
  const sentAt = new Map<number, number>()
  const latencies: number[] = []
  await system.consume((body) => {
    latencies.push(performance.now() - (sentAt.get(body.number) ?? 0))
  })
  const send = async (number: number): Promise<void> => {
    const body = bodyOf(number, bytes)
    sentAt.set(number, performance.now())
    await system.publish(body)
  }
  // A consumer may need a moment until messages flow.
  await send(0)
  await until(() => latencies.length === 1)
  latencies.length = 0
  const count = Math.floor((latencyMs / 1_000) * perSecond)
  const startedAt = performance.now()
  const sends: Promise<void>[] = []
  for (let number = 1; number <= count; number++) {
    await sleep(Math.max(0, startedAt + (number * 1_000) / perSecond - performance.now()))
    sends.push(send(number))
  }
  await inTime(count, Promise.all(sends))
  await until(() => latencies.length >= count)
  return latencies.sort((a, b) => a - b)
}

async function rateOf(count: number, work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return (count / (performance.now() - startedAt)) * 1_000
}

export const percentile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN

async function until(isTrue: () => boolean): Promise<void> {
  const startedAt = performance.now()
  while (!isTrue()) {
    if (performance.now() - startedAt > limitMs(0))
      throw new Error('The messages did not all arrive within two minutes')
    await sleep(5)
  }
}

/** Rejects if the work with so many messages takes too long. */
export async function inTime<T>(messages: number, work: Promise<T>): Promise<T> {
  const over = new AbortController()
  const late = sleep(limitMs(messages), undefined, { signal: over.signal }).then(() => {
    throw new Error(`It took more than ${limitMs(messages) / 1_000} s`)
  })
  late.catch(() => {})
  try {
    return await Promise.race([work, late])
  } finally {
    over.abort()
  }
}
