import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MqError, type SettledEvent } from '../src/index.js'
import { deliver, handleOf } from './support/deliveries.js'
import { never } from './support/fake-adapter.js'
import { connected, gate, turns } from './support/queues.js'

const retry = { attempts: 3, backoff: 'fixed', delayMs: 100, jitter: 'none' } as const

describe('a handler that takes too long', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('has its signal aborted and its message settled at once, though it ignores the signal', async () => {
    let signal: AbortSignal | undefined
    const handler = (_: unknown, context: { signal: AbortSignal }): Promise<void> => {
      signal = context.signal
      return never()
    }
    const handle = await handleOf(await connected(), handler, { retry, timeoutMs: 500 })
    const { settlement } = deliver(handle)
    await vi.advanceTimersByTimeAsync(499)
    expect(signal?.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(signal?.reason).toMatchObject({ code: 'MQ_HANDLER_TIMEOUT' })
    expect(await settlement).toMatchObject({
      kind: 'retry',
      failure: { reason: 'timeout', attempts: 1, error: { code: 'MQ_HANDLER_TIMEOUT' } },
    })
    expect(await settlementAfterTimeout(handle, 3)).toMatchObject({ kind: 'dead', failure: { reason: 'timeout' } })
  })

  const settlementAfterTimeout = async (handle: Parameters<typeof deliver>[0], attempt: number) => {
    const { settlement } = deliver(handle, { attempt })
    await vi.advanceTimersByTimeAsync(500)
    return settlement
  }

  it('has the limit of the adapter where it gives none', async () => {
    const handle = await handleOf(await connected({ capabilities: { maxHandlerMs: 500 } }), () => never(), { retry })
    expect(await settlementAfterTimeout(handle, 1)).toMatchObject({ kind: 'retry', failure: { reason: 'timeout' } })
  })

  it('changes nothing by what it does later', async () => {
    const working = gate()
    const handle = await handleOf(await connected(), () => working.passed, { retry, timeoutMs: 500 })
    const settlement = await settlementAfterTimeout(handle, 1)
    working.fail(new Error('much later'))
    await turns()
    expect(settlement).toMatchObject({ kind: 'retry' })
  })

  it('sees an aborted signal when it looks only after its time', async () => {
    let readLate: (() => AbortSignal) | undefined
    const handle = await handleOf(
      await connected(),
      (_, context) => {
        readLate = () => context.signal
        return never()
      },
      { retry, timeoutMs: 500 },
    )
    await settlementAfterTimeout(handle, 1)
    expect(readLate?.().reason).toMatchObject({ code: 'MQ_HANDLER_TIMEOUT' })
  })

  it.each([
    ['returns', () => {}, 'done'],
    ['throws', () => Promise.reject(new Error('no')), 'retry'],
    [
      'throws at once',
      () => {
        throw new Error('no')
      },
      'retry',
    ],
  ] as const)('leaves no timer when it %s in time', async (_, handler, kind) => {
    const handle = await handleOf(await connected(), handler, { retry, timeoutMs: 500 })
    expect(await deliver(handle).settlement).toMatchObject({ kind })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is timed by the clock of the adapter', async () => {
    const timers: (() => void)[] = []
    const clock = {
      now: () => 0,
      monotonic: () => 0,
      setTimeout: (callback: () => void) => {
        timers.push(callback)
        return { cancel: () => {} }
      },
    }
    const handle = await handleOf(await connected({ clock }), () => never(), { retry, timeoutMs: 500 })
    const { settlement } = deliver(handle)
    await turns()
    for (const fire of timers) fire()
    expect(await settlement).toMatchObject({ failure: { reason: 'timeout' } })
  })
})

describe('a message that the adapter has lost', () => {
  const lost = new MqError('MQ_OWNERSHIP_LOST', 'another consumer has it')

  it.each([{}, { timeoutMs: 60_000 }])(
    'aborts the signal of its handler with the reason, and is given back: %j',
    async (options) => {
      const handle = await handleOf(
        await connected(),
        (_, { signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason))
          }),
        { retry, ...options },
      )
      const delivered = deliver(handle)
      await turns()
      delivered.abort(lost)
      expect(await delivered.settlement).toEqual({ kind: 'release' })
    },
  )

  it('does not count as failed, not even on its last attempt', async () => {
    const working = gate()
    const handle = await handleOf(await connected(), () => working.passed, { retry })
    const delivered = deliver(handle, { attempt: 3 })
    await turns()
    delivered.abort(lost)
    working.fail(new Error('connection closed under the handler'))
    expect(await delivered.settlement).toEqual({ kind: 'release' })
  })

  it.each([
    ['returns', 'done', (): void => {}],
    [
      'throws',
      'release',
      (): void => {
        throw new Error('no')
      },
    ],
  ])('is reported as released when its handler %s, and the adapter still gets its settlement', async (_, kind, end) => {
    const working = gate()
    const opened = await connected()
    const settled: SettledEvent[] = []
    const handle = await handleOf(opened, () => working.passed.then(end), { retry })
    opened.queue.on('settled', (event) => void settled.push(event))
    const delivered = deliver(handle)
    delivered.abort(lost)
    working.open()
    expect(await delivered.settlement).toEqual({ kind })
    expect(settled).toMatchObject([{ settlement: 'release' }])
    expect(settled[0]).not.toHaveProperty('failure')
  })
})
