import { MqError, type RawMessage, workersGroup } from '@mq/core/adapter'
import type { Broker } from './broker.js'
import type { TestClock } from './test-clock.js'

export interface IdleOptions {
  /** Rejects after this much real time. Default: 10 s. */
  readonly timeoutMs?: number | undefined
}

export interface SettledOptions extends IdleOptions {
  /** Leaves out the delayed messages for which it returns true, such as those that are always published again. Default: none. */
  readonly except?: ((delayed: DelayedMessage) => boolean) | undefined
}

/** A message that was published with a delay which is not over yet. */
export interface DelayedMessage extends Pick<RawMessage, 'id' | 'key'> {
  readonly topic: string
}

const defaultTimeoutMs = 10_000

const isTestClock = (clock: object): clock is TestClock => 'advance' in clock

/** Waits for a turn of the event loop. Now and then it pauses, so that waiting for something real costs no processor. */
function turn(count: number): Promise<void> {
  return new Promise((resolve) => {
    if (count % 64 === 63) setTimeout(resolve, 1)
    else setImmediate(resolve)
  })
}

/** How long nothing may begin or end, in real time, before the clock moves on to whatever the runs wait for. */
const stillMs = 500
/** The same, once it has moved on and nothing has happened since. */
const stillAgainMs = 20
const maxNamed = 5

/** Work that was just asked for may need a few turns to show. */
const minTurns = 3

async function waitWhile(isTrue: () => boolean, what: () => string, deadline: number): Promise<void> {
  for (let count = 0; count < minTurns || isTrue(); count++) {
    if (performance.now() > deadline) throw new MqError('MQ_TIMEOUT', what())
    await turn(count)
  }
}

/** Names what still runs, for the error of a wait that was in vain. */
function shownRuns({ running }: Broker): string {
  if (running.length === 0) return 'Messages were still waiting'
  const named = running.slice(0, maxNamed).map(({ topic, group, id }) => {
    const isTask = topic.startsWith('task.') && group === workersGroup
    return isTask ? `the task '${topic.slice('task.'.length)}' (${id})` : `'${group}' of '${topic}' (${id})`
  })
  const others = running.length - named.length
  return `Still running: ${named.join(', ')}${others > 0 ? ` and ${others} more` : ''}`
}

/** Resolves to true when the broker is idle, and to false when runs wait although nothing has begun or ended for a time. */
async function untilIdleOrStill(broker: Broker, times: { readonly deadline: number; readonly stillMs: number }) {
  let { activity } = broker
  let since = performance.now()
  const isMoving = (): boolean => {
    if (broker.activity !== activity) {
      activity = broker.activity
      since = performance.now()
    }
    return performance.now() - since <= times.stillMs
  }
  const what = (): string => `${shownRuns(broker)} when the time was over; no timer of the test clock would end it`
  await waitWhile(() => broker.isBusy && isMoving(), what, times.deadline)
  return !broker.isBusy
}

/** Resolves when nothing is handled and nothing that a consumer could take is ready. The time does not move on. */
export async function untilIdle(broker: Broker, { timeoutMs = defaultTimeoutMs }: IdleOptions = {}): Promise<void> {
  const what = (): string => `${shownRuns(broker)} after ${timeoutMs} ms`
  await waitWhile(() => broker.isBusy, what, performance.now() + timeoutMs)
}

/**
 * Resolves when the broker is idle and nothing is delayed either. A test clock is moved on to each time that something falls due, and to
 * timers that runs wait for, such as their timeouts.
 */
export async function untilQuiet(broker: Broker, options: SettledOptions = {}): Promise<void> {
  const { timeoutMs = defaultTimeoutMs, except = () => false } = options
  const deadline = performance.now() + timeoutMs
  const { clock, timetable } = broker
  const isWaiting = (): boolean =>
    broker.isWaiting((topic, { id, key }) => except({ topic, id, ...(key !== undefined && { key }) }))
  if (!isTestClock(clock)) {
    const what = (): string => {
      const runs = broker.isBusy ? shownRuns(broker) : 'Messages were still delayed'
      return `${runs} after ${timeoutMs} ms; a test clock would not have to wait`
    }
    await waitWhile(() => broker.isBusy || isWaiting(), what, deadline)
    return
  }
  let movedAt: number | undefined
  for (;;) {
    const wasMoved = movedAt === broker.activity
    if (!(await untilIdleOrStill(broker, { deadline, stillMs: wasMoved ? stillAgainMs : stillMs }))) {
      movedAt = broker.activity
      await clock.advance(clock.untilNext() ?? 0)
      continue
    }
    const due = isWaiting() ? timetable.nextDue() : undefined
    if (due === undefined) return
    await clock.advance(Math.max(0, due - timetable.now()))
  }
}
