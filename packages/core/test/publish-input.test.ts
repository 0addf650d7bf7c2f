import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineEvent, type EventDefinition, type MqErrorCode, type PublishOptions } from '../src/index.js'
import { errorOf, mqErrorOf, typeErrorOf } from './support/errors.js'
import { connected } from './support/queues.js'

const userCreated = defineEvent('user.created', {
  schema: z.object({ user: z.object({ email: z.email() }) }),
  key: (data) => data.user.email,
})

interface Bad {
  readonly target?: unknown
  readonly data?: unknown
  readonly options?: unknown
  readonly code: MqErrorCode | 'TypeError'
  readonly naming?: string
}

const cycle: { self?: unknown } = {}
cycle.self = cycle

const bad: Readonly<Record<string, Bad>> = {
  'an invalid topic': { target: 'user created', code: 'MQ_INVALID_NAME', naming: 'user created' },
  'an empty topic': { target: '', code: 'MQ_INVALID_NAME' },
  'a topic that is no string': { target: 5, code: 'TypeError' },
  'no topic': { target: undefined, code: 'TypeError' },
  'an event without a name': { target: {}, code: 'TypeError' },
  'an event that was not defined by defineEvent and has a bad name': {
    target: { name: 'a b' },
    code: 'MQ_INVALID_NAME',
  },
  'data that does not match its schema': {
    target: userCreated,
    data: { user: { email: 'nobody' } },
    code: 'MQ_INVALID_DATA',
    naming: 'user.email',
  },
  'data of which not even the key can be computed': {
    target: userCreated,
    data: {},
    code: 'MQ_INVALID_DATA',
    naming: 'user',
  },
  'a cycle': { data: cycle, code: 'MQ_NOT_SERIALIZABLE', naming: 'data.self' },
  'a BigInt': { data: { id: 5n }, code: 'MQ_NOT_SERIALIZABLE', naming: 'data.id' },
  'a function': { data: [() => 1], code: 'MQ_NOT_SERIALIZABLE', naming: 'data[0]' },
  'no data': { data: undefined, code: 'MQ_NOT_SERIALIZABLE', naming: 'data' },
  'a reserved header': { options: { headers: { CC: 'other' } }, code: 'MQ_INVALID_HEADER', naming: 'CC' },
  'a malformed header': { options: { headers: { 'a b': '' } }, code: 'MQ_INVALID_HEADER', naming: 'a b' },
  'a line break in a header': { options: { headers: { a: 'b\r\nc' } }, code: 'MQ_INVALID_HEADER', naming: "'a'" },
  'a header that is no string': { options: { headers: { a: 5 } }, code: 'TypeError', naming: "'a'" },
  'a negative delay': { options: { delayMs: -1 }, code: 'MQ_INVALID_OPTION', naming: 'delayMs' },
  'an absurd delay': { options: { delayMs: 1e15 }, code: 'MQ_INVALID_OPTION', naming: 'delayMs' },
  'a delay that is NaN': { options: { delayMs: Number.NaN }, code: 'MQ_INVALID_OPTION', naming: 'delayMs' },
  'a delay that is a text': { options: { delayMs: '5' }, code: 'TypeError', naming: 'delayMs' },
  'a delay and a time': { options: { delayMs: 5, at: new Date() }, code: 'MQ_INVALID_OPTION', naming: 'at' },
  'a time that is no Date': { options: { at: 5 }, code: 'TypeError', naming: 'at' },
  'an invalid Date': { options: { at: new Date('x') }, code: 'MQ_INVALID_OPTION', naming: 'at' },
  'a time in the year 3000': { options: { at: new Date('3000-01-01') }, code: 'MQ_INVALID_OPTION', naming: 'at' },
  'an empty id': { options: { id: '' }, code: 'MQ_INVALID_OPTION', naming: 'id' },
  'an id of 256 bytes': { options: { id: 'é'.repeat(128) }, code: 'MQ_INVALID_OPTION', naming: 'id' },
  'a line break in the id': { options: { id: 'a\nb' }, code: 'MQ_INVALID_OPTION', naming: 'id' },
  'half of a surrogate pair in the id': { options: { id: '\ud800' }, code: 'MQ_INVALID_OPTION', naming: 'id' },
  'an id that is no string': { options: { id: 5 }, code: 'TypeError', naming: 'id' },
  'a key of 256 bytes': { options: { key: 'k'.repeat(256) }, code: 'MQ_INVALID_OPTION', naming: 'key' },
  'a key that is no string': { options: { key: {} }, code: 'TypeError', naming: 'key' },
  'a timeout of 0': { options: { timeoutMs: 0 }, code: 'MQ_INVALID_OPTION', naming: 'timeoutMs' },
  'a timeout that is a text': { options: { timeoutMs: '1s' }, code: 'TypeError', naming: 'timeoutMs' },
  'a misspelt option': { options: { delay: 5 }, code: 'MQ_INVALID_OPTION', naming: 'delay' },
  'options that are no object': { options: 5, code: 'TypeError' },
  'null for options': { options: null, code: 'TypeError' },
}

describe('publish', () => {
  it.each(Object.entries(bad))('refuses %s before the adapter sees anything', async (_, given) => {
    const { target = 'target' in given ? given.target : 't', options } = given
    const data = 'data' in given ? given.data : 1
    const { queue, adapter } = await connected()
    const publishes = [
      () => queue.publish(target as EventDefinition, data, options as PublishOptions),
      ...(['id', 'key'].includes(given.naming ?? '')
        ? []
        : [() => queue.publishAll(target as EventDefinition, [data], options as object)]),
    ]
    for (const publish of publishes) {
      const error = given.code === 'TypeError' ? await typeErrorOf(publish) : await mqErrorOf(publish, given.code)
      expect(error.message).toContain(given.naming ?? '')
    }
    expect(adapter.published).toEqual([])
  })

  it('passes on what a key function throws for data that is valid', async () => {
    const { queue } = await connected()
    const cause = new RangeError('broken key')
    const key = (): string => {
      throw cause
    }
    expect(await errorOf(() => queue.publish(defineEvent('t', { key }), 1))).toBe(cause)
    expect(await errorOf(() => queue.publish(defineEvent('t', { key, schema: z.number() }), 1))).toBe(cause)
  })

  it('refuses a message over the limit of the adapter, and takes one of exactly that size', async () => {
    const { queue, adapter } = await connected({ capabilities: { maxMessageBytes: 100 } })
    const options = { id: 'ié', key: 'k', headers: { a: 'é' } }
    const room = 100 - 3 - 1 - 3
    await queue.publish('t', new Uint8Array(room), options)
    const error = await mqErrorOf(() => queue.publish('t', new Uint8Array(room + 1), options), 'MQ_MESSAGE_TOO_LARGE')
    expect(error.message).toMatch(/101 bytes.*100/)
    expect(adapter.published).toHaveLength(1)
  })

  it('refuses a delay beyond what the adapter can do, by time too', async () => {
    const { queue, adapter } = await connected({ capabilities: { maxDelayMs: 60_000 } })
    await queue.publish('t', 1, { delayMs: 60_000 })
    await mqErrorOf(() => queue.publish('t', 1, { delayMs: 60_001 }), 'MQ_NOT_SUPPORTED')
    await mqErrorOf(() => queue.publish('t', 1, { at: new Date(Date.now() + 120_000) }), 'MQ_NOT_SUPPORTED')
    expect(adapter.published).toHaveLength(1)
  })
})

describe('defineEvent', () => {
  it.each([
    ['a bad name', () => defineEvent('a b'), 'MQ_INVALID_NAME'],
    ['an unknown option', () => defineEvent('a', { shema: z.string() } as object), 'MQ_INVALID_OPTION'],
  ] as const)('refuses %s', async (_, define, code) => {
    await mqErrorOf(define, code)
  })

  it('refuses a schema, a key or a name of a wrong type', async () => {
    await typeErrorOf(() => defineEvent('a', { schema: { parse: () => 1 } as never }))
    await typeErrorOf(() => defineEvent('a', { key: 'id' as never }))
    await typeErrorOf(() => defineEvent(undefined as never))
    await typeErrorOf(() => defineEvent('a', null as never))
  })

  it('makes a frozen value', () => {
    expect(Object.isFrozen(defineEvent('a'))).toBe(true)
  })
})
