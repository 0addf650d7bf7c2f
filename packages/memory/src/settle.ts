import { MqError } from '@mq/core/adapter'
import type { Broker } from './broker.js'
import type { TestClock } from './test-clock.js'

export interface SettleOptions {
  /** Rejects after this much real time. 10 s where none is given. */
  readonly timeoutMs?: number
}

const isTestClock = (clock: object): clock is TestClock => 'advance' in clock

/** A turn of the event loop; now and then a pause, so that waiting for something real costs no processor. */
function turn(count: number): Promise<void> {
  return new Promise((resolve) => {
    if (count % 64 === 63) setTimeout(resolve, 1)
    else setImmediate(resolve)
  })
}

async function waitWhile(isTrue: () => boolean, what: string, deadline: number): Promise<void> {
  // Work that was just asked for may need a few turns to show.
  for (let count = 0; count < 3 || isTrue(); count++) {
    if (Date.now() > deadline) throw new MqError('MQ_TIMEOUT', what)
    await turn(count)
  }
}

/** Resolves when nothing is handled and nothing that a consumer could take is ready. The time does not move on. */
export async function idle(broker: Broker, { timeoutMs = 10_000 }: SettleOptions = {}): Promise<void> {
  const what = `Handlers were still running, or had messages waiting, after ${timeoutMs} ms`
  await waitWhile(() => broker.isBusy, what, Date.now() + timeoutMs)
}

/** As `idle`, and nothing is delayed any more. A test clock is moved on to each time that something falls due. */
export async function settled(broker: Broker, { timeoutMs = 10_000 }: SettleOptions = {}): Promise<void> {
  const deadline = Date.now() + timeoutMs
  const { clock, timetable } = broker
  if (!isTestClock(clock)) {
    const what = `Messages were still running, ready or delayed after ${timeoutMs} ms; a test clock would not have to wait`
    await waitWhile(() => broker.isBusy || broker.isWaiting, what, deadline)
    return
  }
  for (;;) {
    await idle(broker, { timeoutMs: Math.max(0, deadline - Date.now()) })
    const due = broker.isWaiting ? timetable.nextDue() : undefined
    if (due === undefined) return
    await clock.advance(Math.max(0, due - clock.now()))
  }
}
