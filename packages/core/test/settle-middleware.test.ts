import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type DeliveredMessage, defineEvent, type Middleware, type SettledEvent, Unrecoverable } from '../src/index.js'
import { deliver, failure, handleOf, json, rawMessage } from './support/deliveries.js'
import { connected, gate, turns } from './support/queues.js'

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

/** Middleware that writes down what it sees. */
function recording(run?: { readonly traceparent?: string }) {
  const delivered: DeliveredMessage[] = []
  const settled: SettledEvent[] = []
  const layer: Middleware = {
    async settle(message, next) {
      delivered.push(message)
      settled.push(await next(run))
    },
  }
  return { delivered, settled, layer }
}

const throwing = (error: unknown) => (): never => {
  throw error
}

describe('middleware around what becomes of a message', () => {
  it('sees the message as it was stored, and the outcome of its handler', async () => {
    const opened = await connected()
    const { delivered, settled, layer } = recording()
    opened.queue.use(layer)
    const handle = await handleOf(opened, () => {}, {}, 'user.created')
    const before = failure()
    expect(await deliver(handle, { attempt: 2, failure: before }).settlement).toEqual({ kind: 'done' })
    await turns()
    const ref = { topic: 'user.created', group: 'welcome' }
    expect(delivered).toEqual([{ ...ref, message: rawMessage(), attempt: 2, failure: before, ephemeral: false }])
    expect(settled).toEqual([{ ...ref, id: 'm-1', attempt: 2, settlement: 'done', durationMs: expect.any(Number) }])
  })

  it.each([
    ['cannot be read', { message: { body: Buffer.from('{') } }, 'undecodable'],
    ['does not match the schema', { message: { body: json({ userId: 7 }) } }, 'invalid'],
    ['was delivered too often', { attempt: 4 }, 'crashed'],
  ] as const)('sees a message that no handler gets because it %s', async (_, changes, reason) => {
    const opened = await connected()
    const { settled, layer } = recording()
    opened.queue.use(layer)
    const event = defineEvent('user.created', { schema: z.object({ userId: z.string() }) })
    const handle = await handleOf(opened, () => expect.fail('It ran'), { retry: { attempts: 3 } }, event)
    await deliver(handle, changes).settlement
    await turns()
    expect(settled).toMatchObject([{ settlement: 'dead', failure: { reason } }])
  })

  it('surrounds the handler, its middleware and the hook of the last failure, the first layer outermost', async () => {
    const opened = await connected()
    const trace: string[] = []
    const named = (name: string): Middleware => ({
      async settle(_message, next) {
        trace.push(`${name} in`)
        const { settlement } = await next()
        trace.push(`${name} out: ${settlement}`)
      },
      handle: async (_message, _context, next) => {
        trace.push(`${name} handles`)
        await next()
      },
    })
    opened.queue.use(named('first')).use({}).use(named('second'))
    const handle = await handleOf(opened, throwing(new Unrecoverable('no')), {
      onLastFailure: () => void trace.push('last failure'),
    })
    await deliver(handle).settlement
    await turns()
    const inside = ['first in', 'second in', 'first handles', 'second handles', 'last failure']
    expect(trace).toEqual([...inside, 'second out: dead', 'first out: dead'])
  })

  it('sees that a run is void because its message was lost', async () => {
    const opened = await connected()
    const { settled, layer } = recording()
    opened.queue.use(layer)
    const running = gate()
    const delivery = deliver(await handleOf(opened, () => running.passed))
    delivery.abort(new Error('lost'))
    running.open()
    await delivery.settlement
    await turns()
    expect(settled).toMatchObject([{ settlement: 'release' }])
  })

  it('does not see a message that is for another group', async () => {
    const opened = await connected()
    const { delivered, layer } = recording()
    opened.queue.use(layer)
    const handle = await handleOf(opened, () => expect.fail('It ran'))
    await deliver(handle, { message: { extensions: { onlygroup: 'other' } } }).settlement
    expect(delivered).toEqual([])
  })

  it.each([
    ['throws at once', throwing(new Error('mistake'))],
    ['rejects', () => Promise.reject(new Error('mistake'))],
    [
      'throws after the run',
      async (_: unknown, next: () => Promise<unknown>) => {
        await next()
        throw new Error('mistake')
      },
    ],
  ] as const)('decides nothing: one that %s is an error event, and the message is settled', async (_, settle) => {
    const opened = await connected()
    const errors: string[] = []
    opened.queue.on('error', ({ error }) => errors.push(error.message))
    const { settled, layer } = recording()
    opened.queue.use({ settle: settle as never }).use(layer)
    let runs = 0
    const handle = await handleOf(opened, () => void runs++)
    expect(await deliver(handle).settlement).toEqual({ kind: 'done' })
    await turns()
    expect(errors).toEqual([expect.stringContaining('mistake')])
    expect({ runs, settled }).toMatchObject({ runs: 1, settled: [{ settlement: 'done' }] })
  })

  it('that never calls next, or calls it twice, changes nothing', async () => {
    const opened = await connected()
    opened.queue
      .use({ settle: async () => {} })
      .use({ settle: () => undefined })
      .use({
        settle: async (_, next) => {
          expect((await Promise.all([next(), next()])).map(({ settlement }) => settlement)).toEqual(['done', 'done'])
        },
      })
    let runs = 0
    const handle = await handleOf(opened, () => void runs++)
    expect(await deliver(handle).settlement).toEqual({ kind: 'done' })
    expect(runs).toBe(1)
  })

  it('does not hold up the settlement once the run has ended', async () => {
    const opened = await connected()
    const never = gate()
    opened.queue.use({
      settle: async (_, next) => {
        await next()
        await never.passed
      },
    })
    expect(await deliver(await handleOf(opened, () => {})).settlement).toEqual({ kind: 'done' })
  })
})

describe('the place of a run in a trace', () => {
  it('stays with its failure, also in the last failure, and that of the innermost layer counts', async () => {
    const opened = await connected()
    const { layer } = recording({ traceparent })
    opened.queue.use(recording({ traceparent: traceparent.replace('b7ad', 'ffff') }).layer).use(layer)
    const seen: unknown[] = []
    const handle = await handleOf(opened, throwing(new Error('broken')), {
      retry: { attempts: 2 },
      onLastFailure: ({ failure: last }) => void seen.push(last.traceparent),
    })
    expect(await deliver(handle).settlement).toMatchObject({ kind: 'retry', failure: { traceparent } })
    expect(await deliver(handle, { attempt: 2 }).settlement).toMatchObject({ kind: 'dead', failure: { traceparent } })
    expect(seen).toEqual([traceparent])
  })

  it.each([undefined, '', 'nonsense', `${traceparent}\n`, 7])('is ignored if it is %j', async (given) => {
    const opened = await connected()
    opened.queue.use(recording({ traceparent: given as string }).layer)
    const handle = await handleOf(opened, throwing(new Error('broken')))
    const settlement = await deliver(handle).settlement
    expect(settlement).toMatchObject({ kind: 'retry', failure: { reason: 'error' } })
    expect(settlement).not.toHaveProperty('failure.traceparent')
  })
})
