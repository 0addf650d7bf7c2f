import { MqError, type RawMessage } from '@mq/core/adapter'
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

async function waitWhile(isTrue: () => boolean, what: string, deadline: number): Promise<void> {
  // Work that was just asked for may need a few turns to show.
  for (let count = 0; count < 3 || isTrue(); count++) {
    if (performance.now() > deadline) throw new MqError('MQ_TIMEOUT', what)
    await turn(count)
  }
}

/** Resolves when nothing is handled and nothing that a consumer could take is ready. The time does not move on. */
export async function untilIdle(broker: Broker, { timeoutMs = defaultTimeoutMs }: IdleOptions = {}): Promise<void> {
  const what = `Handlers were still running, or had messages waiting, after ${timeoutMs} ms`
  await waitWhile(() => broker.isBusy, what, performance.now() + timeoutMs)
}

/** Resolves when the broker is idle and nothing is delayed either. A test clock is moved on to each time that something falls due. */
export async function untilQuiet(broker: Broker, options: SettledOptions = {}): Promise<void> {
  const { timeoutMs = defaultTimeoutMs, except = () => false } = options
  const deadline = performance.now() + timeoutMs
  const { clock, timetable } = broker
  const isWaiting = (): boolean =>
    broker.isWaiting((topic, { id, key }) => except({ topic, id, ...(key !== undefined && { key }) }))
  if (!isTestClock(clock)) {
    const what = `Messages were still running, ready or delayed after ${timeoutMs} ms; a test clock would not have to wait`
    await waitWhile(() => broker.isBusy || isWaiting(), what, deadline)
    return
  }
  for (;;) {
    await untilIdle(broker, { timeoutMs: Math.max(0, deadline - performance.now()) })
    const due = isWaiting() ? timetable.nextDue() : undefined
    if (due === undefined) return
    await clock.advance(Math.max(0, due - timetable.now()))
  }
}
