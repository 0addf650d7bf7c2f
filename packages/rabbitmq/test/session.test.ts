import { type Delivery, MqError, type Settlement } from '@mq/core/adapter'
import type { Channel, ConsumeMessage } from 'amqplib'
import { describe, expect, it, vi } from 'vitest'
import { createFinished } from '../src/consume/finished.js'
import { createSession, type SessionParts } from '../src/consume/session.js'
import type { Copy, CopyResult } from '../src/wire/copy.js'

const message = (deliveryTag: number, properties: object = {}): ConsumeMessage =>
  ({ fields: { deliveryTag }, properties, content: Buffer.from('1') }) as unknown as ConsumeMessage

const failure = {
  reason: 'error',
  error: { name: 'Error', message: '' },
  attempts: 1,
  firstFailedAt: 1,
  failedAt: 1,
} as const

function sessionWith(parts: Partial<SessionParts>) {
  const channel = { ack: vi.fn(), nack: vi.fn() }
  const report = vi.fn()
  const session = createSession(channel as unknown as Channel, {
    ref: { topic: 't', group: 'g' },
    ownQueue: 'mq--group--t--g',
    options: { concurrency: 10, ordered: false, ephemeral: false },
    handle: async () => ({ kind: 'done' }),
    copy: () => ({ result: Promise.resolve<CopyResult>('stored'), abandon: () => undefined }),
    finished: createFinished('here', 10),
    requeueCountsAsAttempt: true,
    lostAfterStallMs: () => 45_000,
    report,
    ...parts,
  })
  return { session, channel, report }
}

describe('a session', () => {
  it.each([
    ['release', true],
    ['dead', false],
  ] as const)('a message that cannot be copied goes back to the broker: %s', async (kind, isReturned) => {
    const settlement: Settlement = kind === 'dead' ? { kind, failure } : { kind }
    const { session, channel } = sessionWith({
      handle: async () => settlement,
      copy: () => ({ result: Promise.resolve<CopyResult>('impossible'), abandon: () => undefined }),
    })
    const delivered = message(1)
    session.receive(delivered)
    await vi.waitUntil(() => channel.nack.mock.calls.length > 0)
    expect(channel.nack.mock.calls).toEqual([[delivered, false, isReturned]])
  })

  it.each([{ isForeign: false }, { isForeign: true }])(
    'a message that cannot be read dies with its body, and is left neither to the broker nor to the driver: %o',
    async (source) => {
      const copies: Copy[] = []
      const deliveries: Delivery[] = []
      const { session, channel, report } = sessionWith({
        handle: async (delivery) => {
          deliveries.push(delivery)
          return { kind: 'dead', failure }
        },
        copy: (copy) => {
          copies.push(copy)
          return { result: Promise.resolve<CopyResult>('stored'), abandon: () => undefined }
        },
      })
      const hostile = message(1)
      Object.defineProperty(hostile, 'properties', {
        get() {
          throw new Error('hostile')
        },
      })
      session.receive(hostile, source)
      await vi.waitUntil(() => channel.ack.mock.calls.length > 0)
      expect(deliveries).toMatchObject([{ attempt: 1, decodeError: { code: 'MQ_UNDECODABLE' } }])
      expect(copies).toMatchObject([{ queue: 'dead', content: Buffer.from('1') }])
      expect([channel.nack.mock.calls, report.mock.calls]).toEqual([[], []])
    },
  )

  describe('of messages that this process has finished', () => {
    const named = { messageId: 'm', headers: { 'cloudEvents:time': '2026-01-02T03:04:05.678Z' } }
    const again = (properties: object): ConsumeMessage => ({
      ...message(1, properties),
      fields: { deliveryTag: 1, redelivered: true } as ConsumeMessage['fields'],
    })
    const lost = new MqError('MQ_CONNECTION_LOST', 'gone')
    const counted = (times: number) => ({ ...named, headers: { 'x-delivery-count': times, ...named.headers } })

    it.each<[string, Settlement]>([
      ['its handler has ended', { kind: 'done' }],
      ['its retry is stored', { kind: 'retry', delayMs: 0, failure }],
      ['its dead letter is stored', { kind: 'dead', failure }],
    ])('acknowledges one whose acknowledgement waits when the channel is lost: %s', async (how, settlement) => {
      const properties = { ...named, messageId: how }
      const first = sessionWith({ handle: async () => settlement })
      first.channel.ack.mockImplementation(() => first.session.lose(lost))
      first.session.receive(message(1, properties))
      await vi.waitUntil(() => first.channel.ack.mock.calls.length > 0)
      const handle = vi.fn(async (): Promise<Settlement> => ({ kind: 'done' }))
      const second = sessionWith({ handle })
      const delivered = again({ ...properties, headers: { 'x-delivery-count': 1, ...named.headers } })
      second.session.receive(delivered)
      await vi.waitUntil(() => second.channel.ack.mock.calls.length > 0)
      expect(second.channel.ack.mock.calls).toEqual([[delivered, true]])
      expect(handle).not.toHaveBeenCalled()
    })

    it.each<[string, Settlement, object]>([
      ['its handler has not ended', { kind: 'done' }, { isLate: true }],
      ['it was released', { kind: 'release' }, {}],
    ])('runs one that is not finished: %s', async (how, settlement, { isLate = false }: { isLate?: boolean }) => {
      const properties = { ...counted(0), messageId: how }
      let end = (): void => undefined
      const held = new Promise<void>((resolve) => {
        end = resolve
      })
      const first = sessionWith({ handle: () => (isLate ? held.then(() => settlement) : Promise.resolve(settlement)) })
      first.session.receive(message(1, properties))
      if (!isLate) await vi.waitUntil(() => first.channel.ack.mock.calls.length > 0)
      first.session.lose(lost)
      end()
      await held
      const handle = vi.fn(async (): Promise<Settlement> => ({ kind: 'done' }))
      sessionWith({ handle }).session.receive(again({ ...counted(1), messageId: how }))
      expect(handle).toHaveBeenCalledOnce()
    })

    it('runs one that equals a message which was not finished, and a new message with the same id', async () => {
      const properties = { ...counted(0), messageId: 'twin' }
      let runs = 0
      const first = sessionWith({
        handle: () => {
          runs += 1
          return runs === 1 ? Promise.resolve({ kind: 'done' }) : new Promise(() => undefined)
        },
      })
      first.session.receive(message(1, properties))
      await vi.waitUntil(() => first.channel.ack.mock.calls.length > 0)
      first.session.receive(message(2, properties))
      first.session.lose(lost)
      const handle = vi.fn(async (): Promise<Settlement> => ({ kind: 'done' }))
      const second = sessionWith({ handle })
      second.session.receive(again({ ...counted(1), messageId: 'twin' }))
      expect(handle).toHaveBeenCalledTimes(1)
      second.session.lose(lost)
      sessionWith({ handle }).session.receive(message(1, properties))
      expect(handle).toHaveBeenCalledTimes(2)
    })

    it('remembers no more of them than the latest ten thousand', async () => {
      const finished = createFinished('many', 10_000)
      for (let number = 0; number < 10_000; number++) finished.add(message(1, { ...named, messageId: `n${number}` }))
      finished.end([])
      const one = createFinished('many', 1)
      one.add(message(1, { ...named, messageId: 'latest' }))
      one.end([])
      const remembered = ['n0', 'n1', 'latest'].map((messageId) => one.has(again({ ...named, messageId })))
      expect(remembered).toEqual([false, true, true])
    })
  })

  it('only a message that comes again was lost with the last connection', () => {
    const stalls: unknown[] = []
    const { session } = sessionWith({
      handle: async ({ stalledMs }) => {
        stalls.push(stalledMs)
        return { kind: 'done' }
      },
    })
    session.receive(message(1))
    session.receive({ ...message(2), fields: { deliveryTag: 2, redelivered: true } as ConsumeMessage['fields'] })
    expect(stalls).toEqual([undefined, 45_000])
  })

  it('starts nothing that comes after a pause', () => {
    const handle = vi.fn(async (): Promise<Settlement> => ({ kind: 'done' }))
    const { session } = sessionWith({ handle })
    session.pause()
    session.receive(message(1))
    expect(handle).not.toHaveBeenCalled()
  })
})
