import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { emptyHeaders, type StoreOutcome } from '../src/adapter.js'
import { defineEvent, MqError, type MqErrorCode } from '../src/index.js'
import { errorOf, mqErrorOf } from './support/errors.js'
import { stored } from './support/fake-adapter.js'
import { connected } from './support/queues.js'

const clock = {
  now: () => Date.parse('2026-01-02T03:04:05.678Z'),
  monotonic: () => 0,
  setTimeout: () => ({ cancel: () => {} }),
}

describe('what the adapter gets', () => {
  it('is a CloudEvent with everything that was given', async () => {
    const { queue, adapter } = await connected({ clock }, { source: '/shop' })
    const headers = { traceparent: '00-1' }
    await queue.publish('user.created', { a: 1 }, { id: 'x', key: 'k', headers, delayMs: 1.2, timeoutMs: 50 })
    const { topic, messages, call } = adapter.published[0] ?? {}
    expect(topic).toBe('user.created')
    expect(call?.timeoutMs).toBe(50)
    expect(messages).toEqual([
      {
        id: 'x',
        source: '/shop',
        type: 'user.created',
        time: '2026-01-02T03:04:05.678Z',
        contentType: 'application/json',
        key: 'k',
        delayMs: 2,
        headers,
        extensions: emptyHeaders,
        body: Buffer.from('{"a":1}'),
      },
    ])
  })

  it('has a random id, no key and no delay where none were given', async () => {
    const { queue, adapter } = await connected()
    const results = [await queue.publish('t', 1), await queue.publish('t', 1, { delayMs: 0, at: undefined as never })]
    for (const { messages } of adapter.published) {
      expect(messages[0]).not.toHaveProperty('key')
      expect(messages[0]).not.toHaveProperty('delayMs')
    }
    expect(adapter.published.map(({ messages }) => messages[0]?.id)).toEqual(results.map(({ id }) => id))
    expect(results[0]?.id).toMatch(/^[0-9a-f-]{36}$/)
    expect(results[0]?.id).not.toBe(results[1]?.id)
  })

  it('has the key that the event computes, unless the publish gives one', async () => {
    const { queue, adapter } = await connected()
    const event = defineEvent('t', { schema: z.object({ user: z.string() }), key: ({ user }) => user })
    await queue.publish(event, { user: 'ada' })
    await queue.publish(event, { user: 'ada' }, { key: 'other' })
    expect(adapter.published.map(({ messages }) => messages[0]?.key)).toEqual(['ada', 'other'])
  })

  it('is what was published, not what the schema made of it', async () => {
    const { queue, adapter } = await connected()
    await queue.publish(defineEvent('t', { schema: z.object({ n: z.coerce.number() }) }), { n: '5' })
    expect(Buffer.from(adapter.published[0]?.messages[0]?.body ?? []).toString()).toBe('{"n":"5"}')
  })

  it('has the delay until the time that was asked for, and none for a time that is past', async () => {
    const { queue, adapter } = await connected({ clock })
    await queue.publish('t', 1, { at: new Date(clock.now() + 5_000) })
    await queue.publish('t', 1, { at: new Date(0) })
    expect(adapter.published.map(({ messages }) => messages[0]?.delayMs)).toEqual([5_000, undefined])
  })
})

describe('the outcome of a publish', () => {
  const outcomeOf = async (outcome: () => Promise<readonly StoreOutcome[]>) => {
    const { queue } = await connected({ publish: outcome })
    return queue.publish('t', 1, { id: 'x' })
  }
  const outcome = (status: 'rejected' | 'unknown', error?: MqError) => async () =>
    [{ status, routed: 'unknown', ...(error && { error }) }] as const

  it.each(['yes', 'no', 'unknown'] as const)('resolves with the id and routed: %s', async (routed) => {
    expect(await outcomeOf(async () => [{ ...stored, routed }])).toEqual({ id: 'x', routed })
  })

  it('rejects with MQ_PUBLISH_REJECTED for a message that is not stored', async () => {
    await mqErrorOf(() => outcomeOf(outcome('rejected')), 'MQ_PUBLISH_REJECTED')
  })

  it('passes on why the adapter refused a message', async () => {
    const error = new MqError('MQ_BACKPRESSURE', 'the outgoing buffer is full')
    expect(await errorOf(() => outcomeOf(outcome('rejected', error)))).toBe(error)
    expect(await errorOf(() => outcomeOf(() => Promise.reject(error)))).toBe(error)
  })

  it('rejects with MQ_PUBLISH_UNKNOWN where the broker did not answer', async () => {
    await mqErrorOf(() => outcomeOf(outcome('unknown')), 'MQ_PUBLISH_UNKNOWN')
    await mqErrorOf(() => outcomeOf(async () => []), 'MQ_PUBLISH_UNKNOWN')
  })

  it.each(['MQ_CONNECTION_LOST', 'MQ_TIMEOUT', 'MQ_OPERATION_FAILED', 'MQ_STOPPED'] satisfies MqErrorCode[])(
    'says MQ_PUBLISH_UNKNOWN for %s, which tells nothing about the message',
    async (code) => {
      const cause = new MqError(code, 'no answer')
      for (const fail of [outcome('unknown', cause), () => Promise.reject(cause)]) {
        const error = await mqErrorOf(() => outcomeOf(fail), 'MQ_PUBLISH_UNKNOWN')
        expect(error.cause).toBe(cause)
        expect(error.message).toContain('no answer')
      }
    },
  )

  it.each([
    ['rejects with an error of its driver', () => Promise.reject(new Error('ECONNRESET'))],
    ['rejects with a text', () => Promise.reject('ECONNRESET')],
    [
      'throws',
      () => {
        throw new Error('ECONNRESET')
      },
    ],
  ])('says MQ_PUBLISH_UNKNOWN when the adapter %s', async (_, fail) => {
    expect((await mqErrorOf(() => outcomeOf(fail), 'MQ_PUBLISH_UNKNOWN')).message).toContain('ECONNRESET')
  })
})

describe('the signal of a publish call', () => {
  it('is made only for an adapter that reads it', async () => {
    const made = vi.spyOn(globalThis, 'AbortController')
    const { queue } = await connected()
    await queue.publish('t', 1)
    expect(made).not.toHaveBeenCalled()
    made.mockRestore()
  })
})
