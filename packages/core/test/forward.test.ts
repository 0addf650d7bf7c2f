import { describe, expect, it } from 'vitest'
import { emptyHeaders, forward, type OutgoingMessage } from '../src/adapter.js'
import { mqErrorOf } from './support/errors.js'
import { storeAll } from './support/fake-adapter.js'
import { connected } from './support/queues.js'

const message = (id: string, more: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  id,
  source: '/elsewhere',
  type: 't',
  time: '2026-01-02T03:04:05.678Z',
  contentType: 'application/json',
  headers: emptyHeaders,
  extensions: emptyHeaders,
  body: Buffer.from('{}'),
  ...more,
})

describe('forward', () => {
  it('sends messages as they are, past middleware', async () => {
    const { queue, adapter } = await connected()
    queue.use({ publish: () => Promise.reject(new Error('never called')) })
    const messages = [message('a', { key: 'k', delayMs: 5 }), message('b')]
    const outcomes = await forward(queue, 'elsewhere', messages, { timeoutMs: 50 })
    expect(outcomes).toMatchObject([
      { status: 'stored', id: 'a' },
      { status: 'stored', id: 'b' },
    ])
    expect(adapter.published).toMatchObject([{ topic: 'elsewhere', messages, call: { timeoutMs: 50 } }])
  })

  it('rejects what the adapter can never take, and sends the others in their order', async () => {
    const capabilities = { maxMessageBytes: 100, maxDelayMs: 1_000 }
    const { queue, adapter } = await connected({ capabilities })
    const large = message('large', { body: Buffer.alloc(200) })
    const outcomes = await forward(queue, 't', [message('a'), large, message('late', { delayMs: 2_000 }), message('b')])
    expect(outcomes).toMatchObject([
      { status: 'stored', id: 'a' },
      { status: 'rejected', id: 'large', error: { code: 'MQ_MESSAGE_TOO_LARGE' } },
      { status: 'rejected', id: 'late', error: { code: 'MQ_NOT_SUPPORTED' } },
      { status: 'stored', id: 'b' },
    ])
    expect(adapter.published[0]?.messages.map(({ id }) => id)).toEqual(['a', 'b'])
    expect(await forward(queue, 't', [large])).toMatchObject([{ status: 'rejected' }])
    expect(adapter.published).toHaveLength(1)
  })

  it('takes an outcome that is missing for unknown', async () => {
    const { queue } = await connected({ publish: async (messages) => (await storeAll(messages)).slice(1) })
    expect(await forward(queue, 't', [message('a'), message('b')])).toMatchObject([
      { status: 'stored' },
      { status: 'unknown', id: 'b', error: { code: 'MQ_PUBLISH_UNKNOWN' } },
    ])
  })

  it('refuses what is no queue, and a queue that is closed', async () => {
    await expect(forward({} as never, 't', [])).rejects.toThrow(TypeError)
    await expect(forward(undefined as never, 't', [])).rejects.toThrow(TypeError)
    const { queue } = await connected()
    await queue.disconnect()
    await mqErrorOf(() => forward(queue, 't', [message('a')]), 'MQ_CLOSED')
  })
})
