import type { Channel, ConsumeMessage } from 'amqplib'
import { describe, expect, it, vi } from 'vitest'
import { createFinished } from '../../src/consume/finished.js'
import { createSession } from '../../src/consume/session.js'
import type { Copy, CopyResult } from '../../src/wire/copy.js'

const failure = {
  reason: 'error',
  error: { name: 'Error', message: '' },
  attempts: 1,
  firstFailedAt: 1,
  failedAt: 1,
} as const

describe('a message of a queue that other programs own', () => {
  it('becomes a dead letter without its headers if these cannot be copied, and is never left to the broker', async () => {
    const channel = { ack: vi.fn(), nack: vi.fn() }
    const results: CopyResult[] = ['impossible', 'stored']
    const copies: Copy[] = []
    const session = createSession(channel as unknown as Channel, {
      ref: { topic: 't', group: 'g', at: 'legacy' },
      ownQueue: 'mq--group--t--g',
      options: { concurrency: 10, ordered: false, ephemeral: false },
      handle: async () => ({ kind: 'dead', failure }),
      copy: (copy) => {
        copies.push(copy)
        return { result: Promise.resolve(results.shift() ?? 'stored'), abandon: () => undefined }
      },
      finished: createFinished('here', 10),
      requeueCountsAsAttempt: true,
      lostAfterStallMs: () => 45_000,
      report: vi.fn(),
    })
    const properties = { messageId: 'm', headers: { huge: 'x'.repeat(200_000) } }
    const delivered = { fields: { deliveryTag: 1 }, properties, content: Buffer.from('1') } as unknown as ConsumeMessage
    session.receive(delivered, { isForeign: true })
    await vi.waitUntil(() => channel.ack.mock.calls.length > 0)
    expect(channel.nack).not.toHaveBeenCalled()
    expect(
      copies.map(({ queue, properties: { messageId, headers } }) => [queue, messageId, 'huge' in headers]),
    ).toEqual([
      ['dead', 'm', true],
      ['dead', 'm', false],
    ])
  })
})
