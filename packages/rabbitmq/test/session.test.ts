import type { Settlement } from '@mq/core/adapter'
import type { Channel, ConsumeMessage } from 'amqplib'
import { describe, expect, it, vi } from 'vitest'
import { createSession, type SessionParts } from '../src/consume/session.js'
import type { CopyResult } from '../src/wire/copy.js'

const message = (deliveryTag: number, properties: object = {}): ConsumeMessage =>
  ({ fields: { deliveryTag }, properties, content: Buffer.from('1') }) as unknown as ConsumeMessage

function sessionWith(parts: Partial<SessionParts>) {
  const channel = { ack: vi.fn(), nack: vi.fn() }
  const report = vi.fn()
  const session = createSession(channel as unknown as Channel, {
    ref: { topic: 't', group: 'g' },
    options: { concurrency: 10, ordered: false, ephemeral: false },
    handle: async () => ({ kind: 'done' }),
    copy: () => ({ result: Promise.resolve<CopyResult>('stored'), abandon: () => undefined }),
    requeueCountsAsAttempt: true,
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
    const failure = {
      reason: 'error',
      error: { name: 'Error', message: '' },
      attempts: 1,
      firstFailedAt: 1,
      failedAt: 1,
    } as const
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

  it('a message that cannot be read is refused, and the driver gets no exception', () => {
    const { session, channel, report } = sessionWith({})
    const hostile = message(1)
    Object.defineProperty(hostile, 'properties', {
      get() {
        throw new Error('hostile')
      },
    })
    session.receive(hostile)
    expect(channel.nack.mock.calls).toEqual([[hostile, false, false]])
    expect(report.mock.calls).toMatchObject([[{ code: 'MQ_UNDECODABLE' }]])
  })

  it('starts nothing that comes after a pause', () => {
    const handle = vi.fn(async (): Promise<Settlement> => ({ kind: 'done' }))
    const { session } = sessionWith({ handle })
    session.pause()
    session.receive(message(1))
    expect(handle).not.toHaveBeenCalled()
  })
})
