import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { Handle } from '../src/adapter.js'
import { createQueue, type Message, type RawMessage } from '../src/index.js'
import { fromStructured } from '../src/wire/structured.js'
import { deliver, handleOf, json, rawMessage } from './support/deliveries.js'
import { mqErrorOf } from './support/errors.js'
import { fakeAdapter } from './support/fake-adapter.js'

const type = 'application/cloudevents+json'
const event = {
  specversion: '1.0',
  id: 'theirs-1',
  source: '/shop',
  type: 'com.example.order',
  time: '2026-05-06T07:08:09Z',
  datacontenttype: 'application/json',
  data: { order: 7 },
}

const structured = (envelope: unknown, contentType = type): RawMessage => {
  const { contentType: _, ...bare } = rawMessage({ id: 'topic/0/1', type: 'user.created', source: '/unknown' })
  return { ...bare, contentType, body: json(envelope) }
}

async function opened() {
  const adapter = fakeAdapter()
  const queue = createQueue(adapter)
  await queue.connect()
  return { adapter, queue }
}

/** Returns what the handler gets of the message, or the failure of its dead letter. */
async function handled(message: RawMessage, attempt = 1) {
  const seen: Message[] = []
  const handle: Handle = await handleOf(await opened(), (one) => void seen.push(one))
  const settlement = await deliver(handle, { message, attempt }).settlement
  return { message: seen[0], settlement }
}

describe('a CloudEvent in structured mode', () => {
  it.each([
    type,
    'application/cloudevents+json; charset=utf-8',
    'application/cloudevents+json;charset="UTF-8"',
    'Application/CloudEvents+JSON ; charset=us-ascii; profile=x',
    ' application/cloudevents+json',
  ])('is read like one in binary mode, as %j', async (contentType) => {
    const { message, settlement } = await handled(structured(event, contentType))
    expect(settlement).toEqual({ kind: 'done' })
    expect(message).toMatchObject({
      id: 'theirs-1',
      topic: 'user.created',
      source: '/shop',
      type: 'com.example.order',
      time: new Date('2026-05-06T07:08:09Z'),
      data: { order: 7 },
    })
  })

  it('keeps its extensions as text, its partition key, and what stands beside it', () => {
    const envelope = {
      ...event,
      partitionkey: 'k',
      traceparent: '00-a',
      flag: true,
      count: 5,
      nothing: null,
      'a-b': 'x',
    }
    const read = fromStructured({ ...structured(envelope), headers: { tenant: 'acme' }, extensions: { beside: 'b' } })
    expect({ ...read.extensions }).toEqual({ beside: 'b', traceparent: '00-a', flag: 'true', count: '5' })
    expect(read).toMatchObject({ key: 'k', headers: { tenant: 'acme' }, contentType: 'application/json' })
    expect(fromStructured({ ...structured(event), key: 'of the record' }).key).toBe('of the record')
  })

  it.each([
    ['text', { datacontenttype: 'text/plain', data: 'hello' }, 'hello'],
    ['a text in JSON', { data: 'hello' }, 'hello'],
    ['an absent content type', { datacontenttype: undefined, data: [1] }, [1]],
    ['null', { data: null }, null],
    ['XML', { datacontenttype: 'application/xml', data: '<a/>' }, new Uint8Array(Buffer.from('<a/>'))],
    ['an object in a type that is no JSON', { datacontenttype: 'text/x', data: { a: 1 } }, '{"a":1}'],
    ['bytes', { datacontenttype: 'image/png', data: undefined, data_base64: 'AP8=' }, new Uint8Array([0, 255])],
    [
      'bytes without a type',
      { datacontenttype: undefined, data: undefined, data_base64: 'AP8=' },
      new Uint8Array([0, 255]),
    ],
    ['JSON as bytes', { data: undefined, data_base64: Buffer.from('{"a":1}').toString('base64') }, { a: 1 }],
    ['a nested event', { datacontenttype: type, data: event }, event],
    ['a nested batch', { datacontenttype: 'application/cloudevents-batch+json', data: [event] }, [event]],
  ])('holds %s', async (_title, changes, data) => {
    const { message, settlement } = await handled(structured({ ...event, ...changes }))
    expect(settlement).toEqual({ kind: 'done' })
    expect(message?.data).toEqual(data)
    expect(message?.id).toBe('theirs-1')
  })

  it('is unwrapped once: a copy in binary mode has the same id and data', () => {
    const read = fromStructured(structured({ ...event, datacontenttype: type, data: { ...event, id: 'inner' } }))
    expect(fromStructured(read)).toBe(read)
    expect(read.id).toBe('theirs-1')
  })

  const broken: readonly [string, unknown][] = [
    ['no specversion', { ...event, specversion: undefined }],
    ['a specversion that is a number', { ...event, specversion: 1.0 }],
    ['another specversion', { ...event, specversion: '2.0' }],
    ['no id', { ...event, id: undefined }],
    ['an empty id', { ...event, id: '' }],
    ['an id that is null', { ...event, id: null }],
    ['an id that is a number', { ...event, id: 5 }],
    ['no source', { ...event, source: undefined }],
    ['no type', { ...event, type: undefined }],
    ['a type that is an object', { ...event, type: {} }],
    ['a time that is a number', { ...event, time: 5 }],
    ['an extension that is a list', { ...event, list: ['a'] }],
    ['data twice', { ...event, data_base64: 'AA==' }],
    ['base64 that is none', { ...event, data: undefined, data_base64: 'not base64!' }],
    ['base64 that is a number', { ...event, data: undefined, data_base64: 5 }],
    ['base64 with an end in the middle', { ...event, data: undefined, data_base64: 'AA==AA==' }],
    ['no data in JSON', { ...event, data: undefined }],
    ['a list', [event]],
    ['null', null],
    ['a text', 'event'],
  ]
  it.each(broken)('is a dead letter with %s', async (_title, envelope) => {
    const { message, settlement } = await handled(structured(envelope))
    expect(message).toBeUndefined()
    expect(settlement).toMatchObject({ kind: 'dead', failure: { reason: 'undecodable', attempts: 0 } })
  })

  it('is a dead letter in another character set, and with a body that is no JSON', async () => {
    const wide = await handled(structured(event, `${type}; charset=utf-16`))
    expect(wide.settlement).toMatchObject({ kind: 'dead', failure: { reason: 'undecodable' } })
    const half = await handled({ ...structured(event), body: Buffer.from('{"specversion":"1.0"') })
    expect(half.settlement).toMatchObject({ kind: 'dead', failure: { reason: 'undecodable' } })
  })

  it('has a bounded id, and an attribute cannot change what objects inherit', async () => {
    const body = Buffer.from(
      JSON.stringify({ ...event, id: '\u001b[31m'.repeat(500) }).replace('{', '{"__proto__":"x","constructor":"y",'),
    )
    const { message } = await handled({ ...structured(event), body })
    expect(Buffer.byteLength(message?.id ?? '')).toBeLessThanOrEqual(255)
    expect(message?.id).not.toMatch(/\p{Cc}/u)
    expect(Object.getPrototypeOf(message?.extensions)).toBeNull()
    expect(({} as Record<string, unknown>).x).toBeUndefined()
  })

  it('of many megabytes is read', async () => {
    const bytes = Buffer.alloc(6 * 2 ** 20, 7)
    const { message } = await handled(
      structured({ ...event, datacontenttype: 'image/png', data: undefined, data_base64: bytes.toString('base64') }),
    )
    expect(Buffer.compare(bytes, message?.data as Uint8Array)).toBe(0)
  })

  it('never throws, whatever it holds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json({ maxDepth: 3 }), fc.dictionary(fc.string(), fc.anything()), async (text, changes) => {
        let mixed = text
        try {
          mixed = JSON.stringify({ ...event, ...changes })
        } catch {
          // Some values are no JSON.
        }
        for (const body of [text, mixed]) {
          const { settlement } = await handled({ ...structured(event), body: Buffer.from(body) })
          expect(['done', 'dead']).toContain(settlement.kind)
        }
      }),
      { numRuns: 50 },
    )
  })

  it('is named by its own id in events, in onLastFailure and in the list of dead letters', async () => {
    const failure = { reason: 'error', error: { name: 'Error', message: '' }, attempts: 1 } as const
    const letter = { entryId: '1', message: structured(event), failure: { ...failure, firstFailedAt: 0, failedAt: 0 } }
    const batch = { ...letter, message: structured([event], 'application/cloudevents-batch+json') }
    const adapter = fakeAdapter({ deadLetters: { list: async () => [letter, batch] } })
    const queue = createQueue(adapter)
    await queue.connect()
    const ids: string[] = []
    queue.on('settled', ({ id }) => ids.push(id))
    const handler = (): void => {
      throw new Error('broken')
    }
    const onLastFailure = vi.fn()
    const handle = await handleOf({ queue, adapter }, handler, { retry: false, onLastFailure })
    await deliver(handle, { message: structured(event) }).settlement
    expect(ids).toEqual(['theirs-1'])
    expect(onLastFailure.mock.calls[0]?.[0]).toMatchObject({ id: 'theirs-1', data: { order: 7 } })
    const [listed, refused] = await queue.deadLetters('user.created', 'welcome').list()
    expect(listed).toMatchObject({ message: { id: 'theirs-1', type: 'com.example.order' }, data: { order: 7 } })
    expect(refused?.message.body).toEqual(batch.message.body)
  })
})

describe('a batch of CloudEvents', () => {
  it.each([
    'application/cloudevents-batch+json',
    'application/cloudevents-batch+json; charset=utf-8',
    'APPLICATION/CLOUDEVENTS-BATCH+JSON',
  ])('is a dead letter by name, as %s', async (contentType) => {
    const { message, settlement } = await handled(structured([event], contentType))
    expect(message).toBeUndefined()
    expect(settlement).toMatchObject({ kind: 'dead', failure: { reason: 'undecodable' } })
    expect(JSON.stringify(settlement)).toContain('application/cloudevents-batch+json')
    await mqErrorOf(() => fromStructured(structured([event], contentType)), 'MQ_UNDECODABLE')
  })
})

describe('a content type that only looks like it', () => {
  it.each(['application/cloudevents', 'application/cloudevents+jsonx', 'application/x-cloudevents+json'])(
    'is left alone: %s',
    (contentType) => {
      const message = structured(event, contentType)
      expect(fromStructured(message)).toBe(message)
    },
  )
})
