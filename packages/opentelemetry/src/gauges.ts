import type { Queue, QueueStats, Target } from '@mq/core'
import { isTask, topicOf, workersGroup } from '@mq/core/adapter'
import { type BatchObservableCallback, diag, type Meter } from '@opentelemetry/api'
import { attributes, metricNames } from './names.js'

/** A group whose figures are measured. */
export interface WatchedGroup {
  readonly target: Target
  /** Default for a task: the group of its workers. Any other target needs one. */
  readonly group?: string | undefined
}

const counts = {
  ready: 'ready',
  delayed: 'delayed',
  retrying: 'retrying',
  dead: 'dead',
  inFlight: 'in_flight',
} as const satisfies Partial<Record<keyof QueueStats, string>>

const ages = { oldestReadyMs: 'ready', oldestDeadMs: 'dead' } as const satisfies Partial<
  Record<keyof QueueStats, string>
>

export interface WatchOptions {
  readonly groups: readonly WatchedGroup[]
  /** How long a collection waits for the broker's answers. */
  readonly timeoutMs: number
}

/** Measures groups whenever somebody collects the metrics: `stats` asks the broker. Returns a function that ends it. */
export function watchGroups(queue: Queue, meter: Meter, { groups, timeoutMs }: WatchOptions): () => void {
  const messages = meter.createObservableGauge(metricNames.groupMessages, {
    unit: '{message}',
    description: 'Messages that a group has not finished, and its dead letters.',
  })
  const age = meter.createObservableGauge(metricNames.groupAge, {
    unit: 's',
    description: 'How long the oldest message could have run, or how long ago the oldest dead letter failed.',
  })
  const paused = meter.createObservableGauge(metricNames.groupPaused, { description: '1 if the group is paused.' })
  const up = meter.createObservableGauge(metricNames.up, {
    description: '1 if messages flow, 0.5 if a consumer gets none, 0 without a connection.',
  })
  const known = meter.createObservableGauge(metricNames.groupKnown, {
    description:
      '1 if the broker has answered and the group exists. Otherwise 0, and the other figures of the group are old.',
  })
  const gauges = [messages, age, paused, up, known]

  const observe: BatchObservableCallback = async (result) => {
    const { status, state } = queue.health()
    const system = { [attributes.system]: queue.type }
    result.observe(up, { up: 1, degraded: 0.5, down: 0 }[status], system)
    const deadline = deadlineIn(timeoutMs)
    const one = async ({ target, group = workersGroup }: WatchedGroup): Promise<void> => {
      const place = { ...system, [attributes.destination]: topicOf(target), [attributes.group]: group }
      const canAsk = state === 'connected' && !deadline.isOver()
      const stats = canAsk ? await Promise.race([statsOf(queue, target, group), deadline.over]) : undefined
      result.observe(known, stats === undefined ? 0 : 1, place)
      if (stats === undefined) return
      for (const [name, state] of entries(counts)) {
        const count = stats[name]
        // The broker does not say.
        if (count !== undefined) result.observe(messages, count, { ...place, [attributes.state]: state })
      }
      for (const [name, state] of entries(ages)) {
        const ms = stats[name]
        if (ms !== undefined) result.observe(age, ms / 1_000, { ...place, [attributes.state]: state })
      }
      result.observe(paused, stats.paused === undefined ? 0 : 1, place)
    }
    await inTurns(groups, one)
    deadline.end()
  }
  meter.addBatchObservableCallback(observe, gauges)
  return () => meter.removeBatchObservableCallback(observe, gauges)
}

const entries = <Name extends string, Value>(record: Readonly<Record<Name, Value>>) =>
  Object.entries(record) as [Name, Value][]

/** Returns undefined if the broker does not answer, or knows nothing of such a group. */
async function statsOf(queue: Queue, target: Target, group: string): Promise<QueueStats | undefined> {
  try {
    const stats = await queue.stats(target, group)
    return Object.values(stats).some((figure) => figure !== undefined) ? stats : undefined
  } catch (error) {
    diag.warn(`No figures of the group '${group}' of '${topicOf(target)}'`, error)
    return undefined
  }
}

/** Ends the waiting for answers before the collection is given up, which would leave no figures at all. */
function deadlineIn(ms: number) {
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      isOver = true
      resolve(undefined)
    }, ms)
  })
  return { over, isOver: () => isOver, end: () => clearTimeout(timer) }
}

/** How many groups are asked for at a time. */
const atOnce = 10

async function inTurns(groups: readonly WatchedGroup[], ask: (group: WatchedGroup) => Promise<void>): Promise<void> {
  const left = groups[Symbol.iterator]()
  const lane = async (): Promise<void> => {
    for (const group of left) await ask(group)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, groups.length) }, lane))
}

/** Throws a `TypeError` for anything but groups. */
export function requireGroups(groups: unknown): asserts groups is readonly WatchedGroup[] {
  if (!Array.isArray(groups)) throw new TypeError('groups must be an array of { target, group }')
  for (const each of groups as readonly Partial<WatchedGroup>[]) {
    const { target, group } = each ?? {}
    const isTarget = typeof target === 'string' || (typeof target === 'object' && typeof target?.name === 'string')
    if (!isTarget) throw new TypeError('Each of groups needs a target: a topic, an event or a task')
    if (typeof group !== 'string' && !(group === undefined && isTask(target))) {
      throw new TypeError(`The group of '${topicOf(target)}' must be a string`)
    }
  }
}

/** Throws a `TypeError` for anything but a time that a timer can wait for. */
export function requireTimeout(timeoutMs: unknown): asserts timeoutMs is number {
  if (typeof timeoutMs === 'number' && timeoutMs >= 1 && timeoutMs < 2 ** 31) return
  throw new TypeError('timeoutMs must be a number of milliseconds, at least 1')
}
