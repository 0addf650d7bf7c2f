import { defineEvent, defineTask } from '@mq/core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type AsyncapiDocument, asyncapi, compareDocuments, type JsonSchema } from '../src/index.js'

const shop = { title: 'Shop', version: '1' } as const

const withPayload = (schema: z.ZodType | JsonSchema): AsyncapiDocument =>
  asyncapi({ ...shop, events: [{ event: defineEvent('a'), schema }] })

/** The changes of a payload, as `readers: email is gone`. */
const changes = (before: z.ZodType | JsonSchema, after: z.ZodType | JsonSchema): readonly string[] =>
  compareDocuments(withPayload(before), withPayload(after)).map(
    ({ breaks, path, text }) => `${breaks}: ${path === '' ? '.' : path} ${text}`,
  )

const { object, string, number, array } = z
const email = { type: 'string', format: 'email' }

describe('compareDocuments', () => {
  it.each<[string, z.ZodType | JsonSchema, z.ZodType | JsonSchema, readonly string[]]>([
    ['a field that is gone', object({ a: string(), b: string() }), object({ a: string() }), ['readers: b is gone']],
    ['an optional field that is gone', object({ b: string().optional() }), object({}), ['readers: b is gone']],
    [
      'a field of another type',
      object({ a: string() }),
      object({ a: number() }),
      ['both: a may be number now, and no longer string'],
    ],
    [
      'a field that is required now',
      object({ a: string().optional() }),
      object({ a: string() }),
      ['writers: a is required now'],
    ],
    [
      'a field that is no longer required',
      object({ a: string() }),
      object({ a: string().optional() }),
      ['readers: a is no longer required'],
    ],
    ['a new field that is required', object({}), object({ a: string() }), ['writers: a is new and required']],
    ['a new field that is optional', object({}), object({ a: string().optional() }), ['nobody: a is new and optional']],
    ['a new field with a default', object({}), object({ a: string().default('x') }), ['nobody: a is new and optional']],
    ['a wider enum', z.enum(['a', 'b']), z.enum(['a', 'b', 'c', 'd']), ['readers: . may be "c", "d" now']],
    ['a narrower enum', z.enum(['a', 'b']), z.enum(['a']), ['writers: . may no longer be "b"']],
    ['an enum that becomes any text', z.enum(['a', 'b']), string(), ['readers: . may be string now']],
    ['another enum', z.enum(['a', 'b']), z.enum(['a', 'c']), ['both: . may be "c" now, and no longer "b"']],
    [
      'a field that may be null',
      object({ a: string() }),
      object({ a: string().nullable() }),
      ['readers: a may be null now'],
    ],
    [
      'a field that may no longer be null',
      object({ a: string().nullable() }),
      object({ a: string() }),
      ['writers: a may no longer be null'],
    ],
    ['a number that may be broken', z.int(), number(), ['readers: . may be number now']],
    ['a wider limit', number().max(5), number().max(6), ['readers: . was limited to maximum 5, and is to maximum 6']],
    [
      'a narrower limit',
      string().min(1),
      string().min(3),
      ['writers: . was limited to minLength 1, and is to minLength 3'],
    ],
    [
      'a new limit',
      array(string()),
      array(string()).max(3),
      ['writers: . was limited to maxItems none, and is to maxItems 3'],
    ],
    ['a new format', { type: 'string' }, email, ['writers: . had the format none, and has "email"']],
    ['a format that is gone', email, { type: 'string' }, ['readers: . had the format "email", and has none']],
    ['another pattern', string().regex(/^a/), string().regex(/^b/), ['both: . had the pattern "^a", and has "^b"']],
    [
      'items of another type',
      object({ l: array(object({ p: number() })) }),
      object({ l: array(object({ p: string() })) }),
      ['both: l[].p may be string now, and no longer number'],
    ],
    [
      'a longer tuple',
      z.tuple([string()]),
      z.tuple([string(), number()]),
      [
        'readers: . was limited to maxItems 1, and is to maxItems 2',
        'writers: . was limited to minItems 1, and is to minItems 2',
      ],
    ],
    [
      'a record of another type',
      z.record(string(), number()),
      z.record(string(), string()),
      ['both: * may be string now, and no longer number'],
    ],
    [
      'unknown fields that are refused',
      object({ a: string() }),
      z.strictObject({ a: string() }),
      ['writers: * is no longer taken'],
    ],
    [
      'a field that strict readers refuse',
      z.strictObject({}),
      z.strictObject({ a: string().optional() }),
      ['readers: a is new, and the old schema refuses it', 'nobody: a is new and optional'],
    ],
    [
      'a union of both forms',
      object({ name: string() }),
      z.union([object({ first: string() }), object({ name: string() })]),
      ['readers: name is gone'],
    ],
    [
      'a form that is gone',
      z.union([object({ k: z.literal(1), a: string() }), object({ k: z.literal(2), b: string() })]),
      object({ k: z.literal(1), a: string() }),
      ['writers: k may no longer be 2'],
    ],
    ['the order of a union', z.union([string(), number()]), z.union([number(), string()]), []],
    [
      'a condition that is not compared',
      { not: { type: 'null' } },
      { not: { type: 'string' } },
      ['both: . has changed in a way that is not compared'],
    ],
    ['words for people', object({ a: string() }).meta({ title: 'A' }), object({ a: string().describe('b') }), []],
    [
      'parts that are put together',
      { allOf: [{ properties: { a: { type: 'string' } } }, { required: ['a'] }], type: 'object' },
      object({ a: string() }),
      [],
    ],
  ])('%s', (_, before, after, expected) => {
    expect(changes(before, after)).toEqual(expected)
  })

  it('follows schemas that contain themselves', () => {
    const tree = (value: z.ZodType) => {
      const node = object({
        value,
        get children() {
          return array(node)
        },
      })
      return node
    }
    expect(changes(tree(string()), tree(string()))).toEqual([])
    expect(changes(tree(string()), tree(string().nullable()))).toEqual(['readers: value may be null now'])
    expect(changes(object({ root: tree(string()) }), object({ root: tree(number()) }))).toEqual([
      'both: root.value may be number now, and no longer string',
    ])
  })

  it('ends with schemas that refer to nothing but themselves', () => {
    const round = { $ref: '#' }
    expect(changes(round, round)).toEqual([])
    expect(changes({ allOf: [{ $ref: '#' }, { type: 'string' }] }, { type: 'number' })).toEqual([
      expect.stringContaining('both'),
    ])
  })

  it('follows references in what it does not take apart', () => {
    const withNames = (value: JsonSchema): JsonSchema => ({
      patternProperties: { '^x': { $ref: '#/definitions/value' } },
      definitions: { value: { anyOf: [value, { $ref: '#/definitions/value' }] } },
    })
    expect(changes(withNames({ type: 'string' }), withNames({ type: 'string' }))).toEqual([])
    expect(changes(withNames({ type: 'string' }), withNames({ type: 'number' }))).toEqual([
      'both: . has changed in a way that is not compared',
    ])
  })

  it('says which topic is gone, new or elsewhere, and which group', () => {
    const one = defineEvent('one')
    const before = asyncapi({ ...shop, events: [{ event: one, groups: ['x'] }, defineEvent('two')] })
    const after = asyncapi({
      ...shop,
      events: [{ event: one, groups: ['y'] }, defineEvent('three')],
      prefixes: { kafka: 'eu' },
    })
    expect(compareDocuments(before, after)).toEqual([
      { breaks: 'both', channel: 'one', path: '', text: 'was at "one", and is at "eu--one"' },
      { breaks: 'nobody', channel: 'one', path: '', text: "the group 'x' is gone" },
      { breaks: 'nobody', channel: 'one', path: '', text: "the group 'y' is new" },
      { breaks: 'both', channel: 'two', path: '', text: 'is gone' },
      { breaks: 'nobody', channel: 'three', path: '', text: 'is new' },
    ])
  })

  it('takes no broker for gone that only one of the documents knows', () => {
    const events = [defineEvent('one')]
    expect(compareDocuments(asyncapi({ ...shop, events }), asyncapi({ ...shop, events, brokers: ['redis'] }))).toEqual(
      [],
    )
  })

  it('compares inputs and results of tasks', () => {
    const task = (input: z.ZodType, result: z.ZodType) =>
      asyncapi({ ...shop, tasks: [{ task: defineTask({ name: 'resize', input, execute: () => 1 }), result }] })
    const before = task(object({ file: string() }), object({ file: string(), bytes: number() }))
    const after = task(object({ file: string(), width: number() }), object({ file: string() }))
    expect(compareDocuments(before, after)).toEqual([
      { breaks: 'writers', channel: 'task.resize', path: 'width', text: 'is new and required' },
      {
        breaks: 'readers',
        channel: 'task-replies',
        message: 'reply--resize',
        path: 'result.bytes',
        text: 'is gone',
      },
    ])
    const gone = compareDocuments(before, asyncapi({ ...shop, events: [defineEvent('x')] }))
    expect(gone.map(({ breaks, channel, text }) => `${breaks}: ${channel} ${text}`)).toEqual([
      'both: task.resize is gone',
      'both: task-replies is gone',
      'nobody: x is new',
    ])
  })

  it('says that a schema came or went, and that data is encoded in another way', () => {
    const bare = asyncapi({ ...shop, events: [defineEvent('a')] })
    const typed = withPayload(string())
    const text = (before: AsyncapiDocument, after: AsyncapiDocument) =>
      compareDocuments(before, after).map(({ breaks, text }) => `${breaks}: ${text}`)
    expect(text(bare, typed)).toEqual(['nobody: has a schema now, and had none to compare'])
    expect(text(typed, bare)).toEqual(['both: has no schema any more, so nothing is known of its payload'])
    const message = { ...typed.components.messages.a, contentType: 'text/plain' }
    const encoded = { ...typed, components: { ...typed.components, messages: { a: message } } }
    expect(text(typed, encoded)).toEqual(['both: was application/json, and is text/plain'])
  })

  it('reads the documents of others: messages in the channel, and payloads with a format', () => {
    const written = (schema: JsonSchema, schemaFormat = 'application/schema+json') =>
      ({
        asyncapi: '3.0.0',
        info: { title: 't', version: '1' },
        channels: { c: { messages: { m: { payload: { schemaFormat, schema } } } } },
      }) as unknown as AsyncapiDocument
    expect(compareDocuments(written({ type: 'string' }), written({ type: 'number' }))).toEqual([
      { breaks: 'both', channel: 'c', message: 'm', path: '', text: 'may be number now, and no longer string' },
    ])
    const avro = (type: string): AsyncapiDocument =>
      written({ type: 'record', fields: [{ name: 'a', type }] }, 'application/vnd.apache.avro;version=1.9.0')
    expect(compareDocuments(avro('string'), avro('string'))).toEqual([])
    expect(compareDocuments(avro('string'), avro('long'))).toEqual([
      { breaks: 'both', channel: 'c', message: 'm', path: '', text: 'has changed in a way that is not compared' },
    ])
  })

  it('takes no schema apart that has too many forms, and sees that it has changed', () => {
    const forms = (last: string): JsonSchema => ({
      allOf: Array.from({ length: 6 }, (_, n) => ({
        anyOf: Array.from({ length: 4 }, (_, m) => ({ properties: { [`p${n}`]: { const: m === 3 ? last : m } } })),
      })),
    })
    expect(changes(forms('x'), forms('x'))).toEqual([])
    expect(changes(forms('x'), forms('y'))).toEqual(['both: . has changed in a way that is not compared'])
  })
})
