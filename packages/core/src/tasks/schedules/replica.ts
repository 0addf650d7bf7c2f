import { maxDurationMs } from '../../contract/checks/values.js'
import { type ClockTimer, setAlarm } from '../../contract/clock.js'
import { describeWithStack } from '../../contract/failure.js'
import type { HandlerContext, Subscription } from '../../contract/handler.js'
import { withFields } from '../../contract/log.js'
import type { Message } from '../../contract/message.js'
import { replicasGroup as group, scheduleTopic } from '../../contract/names.js'
import type { Queue } from '../../contract/queue.js'
import { RetryLater } from '../../contract/retry-errors.js'
import type { RetryOptions } from '../../contract/retry-options.js'
import { uncaused } from '../../publish/cause.js'
import { createDueTicks } from './due-ticks.js'
import { createKnownTicks } from './known-ticks.js'
import type { Timing } from './rule.js'
import { type Tick, tickData, tickMessageId, tickOf } from './tick-message.js'
import { waitUntil } from './wait-until.js'

export interface ReplicaOptions {
  readonly name: string
  readonly timing: Timing
  readonly queue: Queue
  /** Enqueues the run of a tick. */
  readonly enqueue: (time: number) => Promise<unknown>
  /** Says whether the store knows of a run of that tick. Undefined if there is no store. */
  readonly isEnqueued: ((time: number) => Promise<boolean>) | undefined
}

/** The part of this process in a schedule. */
export interface Replica extends Subscription {
  readonly next: number | undefined
  readonly last: number | undefined
}

const retry: RetryOptions = {
  attempts: 1_000,
  backoff: 'fixed',
  delayMs: 1_000,
  maxDelayMs: maxDurationMs,
  jitter: 'none',
  rules: [],
}
/** How late a tick may be, in addition to the broker's own takeover, before it counts as missed. */
const extraGraceMs = 5_000

/**
 * Takes part in a schedule. Resolves once every later tick will run, even if this process ends before.
 * See docs/decisions/0055-schedules-without-a-lease.md.
 */
export async function startReplica(options: ReplicaOptions): Promise<Replica> {
  const { name, timing, queue, enqueue, isEnqueued } = options
  const { clock, capabilities } = queue
  const { orderedKeys, redeliveryMs, delayResolutionMs, maxDelayMs } = capabilities
  const topic = scheduleTopic(name)
  const log = withFields(queue.log, { schedule: name })
  const graceMs = redeliveryMs + delayResolutionMs + extraGraceMs
  const known = createKnownTicks()
  let next: number | undefined
  let timer: ClockTimer | undefined
  let isStopped = false

  // A tick has no cause: neither the tick before it nor the handler that made the schedule.
  const send = (tick: Tick, delayMs = 0): Promise<unknown> =>
    uncaused(() => queue.publish(topic, tickData(tick), { id: tickMessageId(name, tick), key: name, delayMs }))
  const tick = (kind: Tick['kind'], time: number): Tick => ({ kind, time, rule: timing.text })
  const kindOf = (time: number): 'due' | 'overdue' => (clock.now() - time > graceMs ? 'overdue' : 'due')

  /** Publishes a message whose loss is harmless: the replicas that are up run each tick at its time anyway. */
  const publishOptional = async (what: string, work: Promise<unknown>): Promise<void> => {
    await work.catch((error) => log.warn(`${what} could not be published`, { error: describeWithStack(error) }))
  }
  const publishNextTick = async (): Promise<void> => {
    const time = timing.next(clock.now())
    if (time === undefined) return
    const delayMs = Math.min(Math.max(0, time - clock.now()), maxDelayMs, maxDurationMs)
    await publishOptional('A tick ahead of its time', send(tick('ahead', time), delayMs))
  }

  const arm = (time: number | undefined): void => {
    next = time
    if (time !== undefined && !isStopped) timer = setAlarm(clock, () => fire(time), time)
  }
  const fire = (time: number): void => {
    // It is overdue if the machine was asleep, which counts as being down.
    void due.publish(tick(kindOf(time), time))
    arm(timing.next(Math.max(time, clock.now() - graceMs)))
  }
  const end = (): void => {
    isStopped = true
    next = undefined
    timer?.cancel()
    due.stop()
    stopListening()
  }
  const due = createDueTicks({ clock, log, send })
  /** An announcement alone proves nothing, because anybody may write one. The store knows better, if there is one. */
  const hasRun = async (time: number): Promise<boolean> =>
    known.hasRunHere(time) || (known.isAnnounced(time) && (isEnqueued === undefined || (await isEnqueued(time))))
  async function handle({ data }: Message, { signal }: HandlerContext): Promise<void> {
    const received = tickOf(data)
    const { kind, time, rule } = received
    if (kind === 'ran' || (await hasRun(time))) return
    if (kind === 'ahead') {
      if (rule !== timing.text) return
      if (time > clock.now()) throw new RetryLater({ afterMs: Math.min(time - clock.now(), maxDurationMs) })
      await send({ ...received, kind: kindOf(time) })
      return
    }
    // The clock of another replica may be ahead. Its copy must not be dropped, because it may have replaced ours at the broker.
    await waitUntil(time, clock, signal)
    if (await hasRun(time)) return
    if (kind === 'overdue' && !shouldCatchUp(received)) return
    await enqueue(time)
    known.add(time, clock.now())
    await Promise.all([publishOptional('The announcement of a run', send(tick('ran', time))), publishNextTick()])
  }
  const shouldCatchUp = ({ time, rule }: Tick): boolean =>
    timing.missed === 'runOnce' && rule === timing.text && !known.hasRunSince(time)
  const onAnnouncement = ({ data }: Message): void => {
    const { kind, time } = tickOf(data)
    if (kind === 'ran') known.announce(time, clock.now())
  }

  const announcements = await queue.subscribe(topic, onAnnouncement, { ephemeral: true, concurrency: 100 })
  let owner: Subscription
  try {
    owner = await queue.subscribe(topic, handle, { group, concurrency: 1, ordered: orderedKeys, retry })
  } catch (error) {
    await announcements.stop({ timeoutMs: 0 })
    throw error
  }
  // Without this the timer would keep the process alive until the next tick.
  const stopListening = queue.on('state', ({ state }) => {
    if (state === 'disconnecting' || state === 'disconnected') end()
  })
  arm(timing.next(clock.now()))
  await publishNextTick()

  const stop = async (options?: { readonly timeoutMs?: number | undefined }): Promise<void> => {
    end()
    await owner.stop(options)
    await announcements.stop(options)
  }
  return {
    topic,
    group,
    get next() {
      return next
    },
    get last() {
      return known.last
    },
    stop,
    [Symbol.asyncDispose]: () => stop(),
  }
}
