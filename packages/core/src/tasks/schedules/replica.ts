import type { RetryOptions } from '../../consume/retry.js'
import { maxDurationMs } from '../../contract/checks.js'
import type { ClockTimer } from '../../contract/clock.js'
import type { HandlerContext, Subscription } from '../../contract/handler.js'
import { RetryLater } from '../../contract/interruptions.js'
import { withFields } from '../../contract/log.js'
import type { Message } from '../../contract/message.js'
import type { Queue } from '../../contract/queue.js'
import { uncaused } from '../../publish/cause.js'
import { createDueTicks } from './due-ticks.js'
import { createKnownTicks } from './known-ticks.js'
import { reached } from './reached.js'
import type { Timing } from './rule.js'
import { scheduleTopic, type Tick, tickData, tickMessageId, tickOf } from './tick-message.js'

export interface ReplicaOptions {
  readonly name: string
  readonly timing: Timing
  readonly queue: Queue
  /** Asks for the run that belongs to a tick. */
  readonly enqueue: (time: number) => Promise<unknown>
}

/** This process's part in a schedule, while it takes part. */
export interface Replica extends Subscription {
  readonly next: number | undefined
  readonly last: number | undefined
}

const group = 'replicas'
const again: RetryOptions = {
  attempts: 1_000,
  backoff: 'fixed',
  delayMs: 1_000,
  maxDelayMs: maxDurationMs,
  jitter: 'none',
  rules: [],
}
/** How much longer than the broker's own takeover a tick may be late before it counts as missed. */
const spareMs = 5_000

/** Takes part in a schedule. Resolves once every later tick will run, whether this process lives to see it or not. */
export async function startReplica({ name, timing, queue, enqueue }: ReplicaOptions): Promise<Replica> {
  const { clock, capabilities } = queue
  const { orderedKeys, redeliveryMs, delayResolutionMs, maxDelayMs } = capabilities
  const topic = scheduleTopic(name)
  const log = withFields(queue.log, { schedule: name })
  const graceMs = redeliveryMs + delayResolutionMs + spareMs
  const known = createKnownTicks()
  let next: number | undefined
  let timer: ClockTimer | undefined
  let isStopped = false

  // A tick is no effect of the one before it, nor of the handler in which the schedule was made.
  const send = (tick: Tick, delayMs = 0): Promise<unknown> =>
    uncaused(() => queue.publish(topic, tickData(tick), { id: tickMessageId(name, tick), key: name, delayMs }))
  const mine = (kind: Tick['kind'], time: number): Tick => ({ kind, time, rule: timing.text })
  const dueKind = (time: number): 'due' | 'overdue' => (clock.now() - time > graceMs ? 'overdue' : 'due')

  /** Without it a tick is still run by whoever is up at its time. */
  const optional = async (what: string, work: Promise<unknown>): Promise<void> => {
    await work.catch((error) => log.warn(`${what} could not be published`, { error }))
  }
  const leaveAhead = async (): Promise<void> => {
    const time = timing.next(clock.now())
    if (time === undefined) return
    const delayMs = Math.min(Math.max(0, time - clock.now()), maxDelayMs, maxDurationMs)
    await optional('A tick ahead of its time', send(mine('ahead', time), delayMs))
  }

  const arm = (time: number | undefined): void => {
    next = time
    if (time !== undefined && !isStopped) timer = clock.setTimeout(() => fire(time), Math.max(0, time - clock.now()))
  }
  const fire = (time: number): void => {
    // Overdue where the process was asleep: it was as good as down.
    void due.publish(mine(dueKind(time), time))
    arm(timing.next(Math.max(time, clock.now() - graceMs)))
  }
  const end = (): void => {
    isStopped = true
    next = undefined
    timer?.cancel()
    due.stop()
    forget()
  }
  const due = createDueTicks({ clock, log, send })
  async function handle({ data }: Message, { signal }: HandlerContext): Promise<void> {
    const tick = tickOf(data)
    const { kind, time, rule } = tick
    if (kind === 'ran' || known.has(time)) return
    if (kind === 'ahead') {
      if (rule !== timing.text) return
      if (time > clock.now()) throw new RetryLater({ afterMs: Math.min(time - clock.now(), maxDurationMs) })
      await send({ ...tick, kind: dueKind(time) })
      return
    }
    // Where another replica's clock is ahead. Its copy cannot be dropped: it may have replaced ours at the broker.
    await reached(time, clock, signal)
    if (known.has(time)) return
    if (kind === 'overdue' && !isMadeUpFor(tick)) return
    await enqueue(time)
    known.add(time, clock.now())
    await Promise.all([optional('What has run', send(mine('ran', time))), leaveAhead()])
  }
  const isMadeUpFor = ({ time, rule }: Tick): boolean =>
    timing.missed === 'runOnce' && rule === timing.text && !known.hasRunSince(time)
  const hear = ({ data }: Message): void => {
    const { kind, time } = tickOf(data)
    if (kind === 'ran') known.add(time, clock.now())
  }

  const ears = await queue.subscribe(topic, hear, { ephemeral: true, concurrency: 100 })
  let owner: Subscription
  try {
    const options = { group, concurrency: 1, ordered: orderedKeys, retry: again }
    owner = await queue.subscribe(topic, handle, options)
  } catch (error) {
    await ears.stop({ timeoutMs: 0 })
    throw error
  }
  // Its timer would keep the process alive up to the next tick.
  const forget = queue.on('state', ({ state }) => {
    if (state === 'disconnecting' || state === 'disconnected') end()
  })
  arm(timing.next(clock.now()))
  await leaveAhead()

  const stop = async (options?: { readonly timeoutMs?: number }): Promise<void> => {
    end()
    await owner.stop(options)
    await ears.stop(options)
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
