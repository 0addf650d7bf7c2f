import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { emptyHeaders } from '../src/adapter.js'
import { defineEvent, type HandlerContext, type Message, type RawMessage } from '../src/index.js'
import { type DeliveryChanges, deliver, handleOf, json } from './support/deliveries.js'
import { connected, type Opened } from './support/queues.js'

/** What a handler gets for a delivery. */
async function received(changes: DeliveryChanges = {}, event = defineEvent('user.created'), opened?: Opened) {
  const seen: { message: Message; context: HandlerContext }[] = []
  const queue = opened ?? (await connected())
  const handle = await handleOf(queue, (message, context) => void seen.push({ message, context }), {}, event)
  expect(await deliver(handle, changes).settlement).toEqual({ kind: 'done' })
  const first = seen[0]
  if (first === undefined) throw new Error('The handler was not called')
  return first
}

describe('the message that a handler gets', () => {
  it('has everything that was published', async () => {
    const message: Partial<RawMessage> = {
      key: 'k',
      headers: Object.assign(Object.create(null), { a: 'b' }),
      extensions: Object.assign(Object.create(null), { traceparent: '00-1' }),
    }
    const got = await received({ message, attempt: 2 })
    expect(got.message).toEqual({
      id: 'm-1',
      tombstone: false,
      topic: 'user.created',
      data: { userId: '42' },
      headers: { a: 'b' },
      key: 'k',
      time: new Date('2026-01-02T03:04:05.678Z'),
      attempt: 2,
      source: '/test',
      type: 'user.created',
      extensions: { traceparent: '00-1' },
    })
  })

  it('is named by the topic of the subscription, also when another program gave it another type', async () => {
    const { message } = await received({ message: { type: 'com.example.Created' } })
    expect(message).toMatchObject({ topic: 'user.created', type: 'com.example.Created' })
  })

  it('is frozen, its headers and extensions too', async () => {
    const { message } = await received({ message: { headers: { a: 'b' }, extensions: { c: 'd' } } })
    for (const part of [message, message.headers, message.extensions]) expect(Object.isFrozen(part)).toBe(true)
  })

  it('has data of its own: what one handler changes, another does not see', async () => {
    const opened = await connected()
    const body = json({ list: [1] })
    const bytes = { contentType: 'application/octet-stream', body: Buffer.from('abc') }
    const seen: unknown[] = []
    const handle = await handleOf(opened, ({ data }) => {
      seen.push(data instanceof Uint8Array ? Buffer.from(data).toString() : JSON.stringify(data))
      if (data instanceof Uint8Array) data.fill(0)
      else (data as { list: number[] }).list.push(2)
    })
    for (const message of [{ body }, { body }, bytes, bytes]) await deliver(handle, { message }).settlement
    expect(seen).toEqual(['{"list":[1]}', '{"list":[1]}', 'abc', 'abc'])
  })

  it('has the data that the schema made of it, also when the schema is asynchronous', async () => {
    const at = z.object({ userId: z.string().transform(async (text) => Number(text)) })
    expect((await received({}, defineEvent('user.created', { schema: at }))).message.data).toEqual({ userId: 42 })
  })

  it('has a time, also when the time of another program cannot be read', async () => {
    const clock = { now: () => 123, monotonic: () => 0, setTimeout: () => ({ cancel: () => {} }) }
    const { message } = await received({ message: { time: 'yesterday' } }, undefined, await connected({ clock }))
    expect(message.time).toEqual(new Date(123))
  })

  it('has text and bytes as they were for other content types', async () => {
    const text = { contentType: 'text/plain', body: Buffer.from('{"a":1}'), headers: emptyHeaders }
    expect((await received({ message: text })).message.data).toBe('{"a":1}')
    const bytes = { contentType: 'image/png', body: Uint8Array.of(0, 255) }
    expect((await received({ message: bytes })).message.data).toEqual(Uint8Array.of(0, 255))
  })
})

describe('the context that a handler gets', () => {
  it('has the queue, a signal, and a log that says which message it is about', async () => {
    const opened = await connected()
    const { context } = await received({ attempt: 3 }, undefined, opened)
    expect(context.queue).toBe(opened.queue)
    expect(context.signal.aborted).toBe(false)
    expect(context.signal).toBe(context.signal)
    context.log.warn('slow', { ms: 5 })
    expect(opened.log.lines).toEqual([
      {
        level: 'warn',
        message: 'slow',
        fields: { topic: 'user.created', group: 'welcome', id: 'm-1', attempt: 3, ms: 5 },
      },
    ])
  })

  it('is not affected by an option of the handler that runs beside it', async () => {
    const [first, second] = [await received({ attempt: 1 }), await received({ attempt: 2 })]
    expect([first.message.attempt, second.message.attempt]).toEqual([1, 2])
    expect(first.context).not.toBe(second.context)
  })
})
