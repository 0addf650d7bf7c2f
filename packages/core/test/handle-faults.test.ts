import { describe, expect, it } from 'vitest'
import type { Clock, Delivery, Handle } from '../src/adapter.js'
import type { Log, SubscribeOptions } from '../src/index.js'
import { deliver, handleOf, rawMessage } from './support/deliveries.js'
import { connected, type Opened } from './support/queues.js'

const broken = new RangeError('broken')
const throws = (): never => {
  throw broken
}
const now = 50_000
const clock: Clock = { now: () => now, monotonic: () => now, setTimeout: () => ({ cancel: () => {} }) }

const retried = {
  kind: 'retry',
  delayMs: 1_000,
  failure: {
    reason: 'error',
    error: { name: 'RangeError', message: 'broken' },
    attempts: 2,
    firstFailedAt: now,
    failedAt: now,
  },
}

/** Subscribes and writes down the `error` events. */
async function opened(faulty: Partial<Clock>, options: { readonly log?: Log } = {}) {
  const queue = await connected({ clock: { ...clock, ...faulty } }, options)
  const errors: unknown[] = []
  queue.queue.on('error', (event) => errors.push(event))
  const handle = (handler: () => unknown, given: SubscribeOptions = {}): Promise<Handle> =>
    handleOf(queue as Opened, handler, given)
  return { ...queue, errors, handle }
}

describe('handle, which an adapter calls for each message', () => {
  it('retries the message in a second, and reports an error, when the clock throws before the run', async () => {
    const { errors, handle } = await opened({ monotonic: throws })
    expect(await deliver(await handle(() => {}), { attempt: 2 }).settlement).toEqual(retried)
    expect(errors).toMatchObject([
      { topic: 'user.created', group: 'welcome', error: { code: 'MQ_OPERATION_FAILED', cause: broken } },
    ])
  })

  it('takes the time of the machine for the failure when the clock does not tell it', async () => {
    const { handle } = await opened({ now: throws })
    const before = Date.now()
    const settlement = await deliver(await handle(throws)).settlement
    expect(settlement).toMatchObject({ kind: 'retry', failure: { error: { message: 'broken' }, attempts: 1 } })
    expect(settlement.kind === 'retry' && settlement.failure.failedAt).toBeGreaterThanOrEqual(before)
  })

  it('retries the message when its signal throws', async () => {
    const { handle } = await opened({})
    const delivery = {
      message: rawMessage(),
      attempt: 2,
      get signal(): AbortSignal {
        return throws()
      },
    } as Delivery
    expect(await (await handle(throws))(delivery)).toEqual(retried)
  })

  it('retries no later than the adapter can delay', async () => {
    const { queue, adapter } = await connected({
      clock: { ...clock, monotonic: throws },
      capabilities: { maxDelayMs: 60 },
    })
    queue.on('error', () => {})
    expect(await deliver(await handleOf({ queue, adapter }, () => {})).settlement).toMatchObject({ delayMs: 60 })
  })

  it('keeps the settlement of a run that has ended, and reports an error, when the clock throws after it', async () => {
    let calls = 0
    const monotonic = (): number => (calls++ === 0 ? now : throws())
    const { errors, handle } = await opened({ monotonic })
    expect(await deliver(await handle(() => {})).settlement).toEqual({ kind: 'done' })
    expect(errors).toMatchObject([{ error: { cause: broken } }])
  })

  it('never rejects, though listeners, middleware and the log throw too', async () => {
    const log: Log = { debug: throws, info: throws, warn: throws, error: throws }
    const { queue, handle } = await opened({ monotonic: throws, now: throws }, { log })
    queue.on('error', throws)
    queue.on('settled', throws)
    queue.use({ handle: throws })
    expect(await deliver(await handle(throws)).settlement).toMatchObject({ kind: 'retry', delayMs: 1_000 })
  })

  it('keeps its settlement when a listener of settled and the log throw', async () => {
    const log: Log = { debug: throws, info: throws, warn: throws, error: throws }
    const { queue, handle } = await opened({}, { log })
    queue.on('settled', throws)
    expect(await deliver(await handle(() => {})).settlement).toEqual({ kind: 'done' })
  })
})
