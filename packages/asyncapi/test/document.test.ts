import { defineEvent, defineForeignTopic, defineTask } from '@mq/core'
import { type } from 'arktype'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type AsyncapiOptions, asyncapi, documentText, readDocument } from '../src/index.js'
import { expectValid } from './support/parse.js'

const shop = { title: 'Shop', version: '1.2.0' } as const
const userCreated = defineEvent('user.created', {
  schema: z.object({ userId: z.string(), email: z.email(), locale: z.string().default('en') }),
  key: ({ userId }) => userId,
})
const sendEmail = defineTask({
  name: 'send-email',
  input: z.object({ to: z.email() }),
  retry: { attempts: 3, delayMs: 1_000, backoff: () => 1, rules: [{ match: 'E', retry: false }] },
  timeoutMs: 30_000,
  execute: () => ({ sent: true }),
})

describe('asyncapi', () => {
  it('describes the channel, the message and the operations of an event', async () => {
    const document = asyncapi({ ...shop, events: [{ event: userCreated, description: 'Somebody signed up.' }] })
    await expectValid(document)
    expect(document.info).toEqual({ title: 'Shop', version: '1.2.0' })
    expect(document.channels).toEqual({
      'user.created': {
        address: 'user.created',
        description: 'Somebody signed up.',
        messages: { 'user.created': { $ref: '#/components/messages/user.created' } },
        bindings: {
          kafka: { topic: 'user.created', bindingVersion: '0.5.0' },
          amqp: {
            is: 'routingKey',
            exchange: { name: 'mq--topic--user.created', type: 'fanout', durable: true, autoDelete: false },
            bindingVersion: '0.3.0',
          },
          redis: {},
        },
        'x-mq-redis': { stream: 'mq:{user.created}:stream' },
      },
    })
    expect(Object.entries(document.operations).map(([name, { action }]) => [name, action])).toEqual([
      ['publish--user.created', 'send'],
      ['subscribe--user.created', 'receive'],
    ])
    expect(document.components.messages['user.created']).toMatchObject({
      contentType: 'application/json',
      payload: { $ref: '#/components/schemas/user.created' },
      'x-mq-keyed': true,
    })
  })

  it('describes the data as it is published, before defaults and transformations', () => {
    const schema = z.object({ at: z.string().transform(Date.parse), locale: z.string().default('en') })
    const { components } = asyncapi({ ...shop, events: [defineEvent('a', { schema })] })
    expect(components.schemas.a).toEqual({
      type: 'object',
      properties: { at: { type: 'string' }, locale: { type: 'string', default: 'en' } },
      required: ['at'],
    })
  })

  it('describes groups with their names at each broker', async () => {
    const events = [{ event: userCreated, groups: ['mailer', 'audit_log'], publishes: false }]
    const document = asyncapi({ ...shop, events, prefixes: { kafka: 'eu', rabbitmq: 'shop', redis: 'shop' } })
    await expectValid(document)
    expect(Object.keys(document.operations)).toEqual([
      'subscribe--user.created--mailer',
      'subscribe--user.created--audit_log',
    ])
    expect(document.operations['subscribe--user.created--audit_log']).toMatchObject({
      action: 'receive',
      'x-mq-group': 'audit_log',
      bindings: { kafka: { groupId: { enum: ['eu--user.created--audit-_log'] } }, amqp: { ack: true } },
      'x-mq-rabbitmq': { queue: 'shop--group--user.created--audit-_log' },
      'x-mq-redis': { consumerGroup: 'audit_log' },
    })
  })

  it('describes tasks as requests with replies, with what they say of retries and time', async () => {
    const result = z.object({ sent: z.boolean() })
    const document = asyncapi({ ...shop, tasks: [{ task: sendEmail, result }] })
    await expectValid(document)
    const reply = {
      channel: { $ref: '#/channels/task-replies' },
      messages: [{ $ref: '#/channels/task-replies/messages/reply--send-email' }],
    }
    expect(document.operations['enqueue--send-email']).toMatchObject({ action: 'send', reply })
    expect(document.operations['run--send-email']).toMatchObject({
      action: 'receive',
      reply,
      'x-mq-group': 'workers',
      'x-mq-retry': { attempts: 3, delayMs: 1_000 },
      'x-mq-timeout-ms': 30_000,
    })
    expect(document.operations['run--send-email']?.['x-mq-retry']).not.toHaveProperty('rules')
    expect(document.components.schemas['reply--send-email--result']).toMatchObject({ required: ['sent'] })
  })

  it('says that the result of a task is not described, and that a task is not retried', async () => {
    const task = defineTask({ name: 'once', retry: false, events: ['completed', 'failed'], execute: () => 1 })
    const document = asyncapi({ ...shop, tasks: [task] })
    await expectValid(document)
    expect(document.components.messages['reply--once']).toHaveProperty('x-mq-no-result-schema')
    expect(document.operations['run--once']).toMatchObject({ 'x-mq-retry': { attempts: 1 } })
    expect(Object.keys(document.channels)).toEqual(['task.once', 'task-replies', 'task.completed', 'task.failed'])
  })

  it('describes topics of other programs where they are, and that nobody publishes to them', async () => {
    const events = [
      defineForeignTopic('users', { at: 'user_events', schema: z.object({ id: z.number() }) }),
      { event: defineForeignTopic('paid', { at: { exchange: 'shop', routingKey: 'order.#' } }), groups: ['books'] },
      defineForeignTopic('raw', { at: { stream: 'sensors', field: 'bytes' }, decode: 'bytes' }),
    ]
    const document = asyncapi({ ...shop, events })
    await expectValid(document)
    const { users, paid, raw } = document.channels
    expect(users).toMatchObject({
      address: 'user_events',
      'x-mq-foreign': true,
      bindings: { kafka: { topic: 'user_events' }, amqp: { is: 'queue', queue: { name: 'user_events' } } },
      'x-mq-redis': { stream: 'user_events' },
    })
    expect(paid?.bindings).toEqual({ amqp: { is: 'routingKey', exchange: { name: 'shop' }, bindingVersion: '0.3.0' } })
    expect(raw).toMatchObject({ bindings: { redis: {} }, 'x-mq-redis': { stream: 'sensors', field: 'bytes' } })
    expect(document.components.messages.raw).toMatchObject({ contentType: 'application/octet-stream' })
    expect(document.components.messages.users).not.toHaveProperty('headers')
    expect(Object.values(document.operations).map(({ action }) => action)).toEqual(['receive', 'receive', 'receive'])
    expect(document.operations['subscribe--paid--books']).toMatchObject({
      bindings: { amqp: { ack: true } },
      'x-mq-rabbitmq': { queue: 'mq--group--paid--books' },
    })
  })

  it('moves definitions of a schema to the document, also of one that contains itself', async () => {
    const node = z.object({
      value: z.number(),
      get next() {
        return node.nullable()
      },
    })
    const named = node.meta({ id: 'Node' })
    const schema = type({ name: 'string' })
    const own = { type: 'object', properties: { me: { $ref: '#' }, a: { $ref: '#/$defs/a~1b' } }, $defs: { 'a/b': {} } }
    const events = [
      defineEvent('tree', { schema: node }),
      defineEvent('list', { schema: z.object({ first: named, const: z.object({ v: named }) }) }),
      defineEvent('ark', { schema }),
      { event: defineEvent('by-hand'), schema: own },
    ]
    const document = asyncapi({ ...shop, events })
    await expectValid(document)
    const { schemas } = document.components
    expect(schemas.tree).toMatchObject({ properties: { next: { anyOf: [{ $ref: '#/components/schemas/tree' }, {}] } } })
    expect(schemas.list).toMatchObject({ properties: { first: { $ref: '#/components/schemas/list--Node' } } })
    expect(JSON.stringify(schemas['list--Node'])).toContain('#/components/schemas/list--')
    expect(schemas.ark).toMatchObject({ properties: { name: { type: 'string' } } })
    expect(schemas['by-hand']).toEqual({
      type: 'object',
      properties: {
        me: { $ref: '#/components/schemas/by-hand' },
        a: { $ref: '#/components/schemas/by-hand--0' },
      },
    })
  })

  it('describes servers without user, password and parameters, and only what holds on these brokers', async () => {
    const servers = {
      production: 'amqps://ada:geheim@rabbit.example.com:5671/shop?heartbeat=5',
      logs: 'kafka://ada:geheim@one:9092,two:9092?tls=true',
    }
    const document = asyncapi({ ...shop, events: [userCreated], servers })
    await expectValid(document)
    expect(document.servers).toEqual({
      production: { host: 'rabbit.example.com:5671', protocol: 'amqps', pathname: '/shop' },
      logs: { host: 'one:9092', protocol: 'kafka-secure' },
      'logs-2': { host: 'two:9092', protocol: 'kafka-secure' },
    })
    expect(JSON.stringify(document)).not.toMatch(/geheim|ada/)
    expect(document.channels['user.created']?.bindings).toEqual({
      amqp: expect.any(Object),
      kafka: expect.any(Object),
    })
    expect(Object.keys(document.components.schemas)).toEqual([
      'user.created',
      'headers--rabbitmq--event',
      'headers--kafka--event',
    ])
  })

  it.each<[string, Partial<AsyncapiOptions> & Record<string, unknown>, RegExp]>([
    ['the same topic twice', { events: [userCreated, userCreated] }, /two definitions of the topic 'user\.created'/],
    [
      'an event with the topic of a task',
      { events: [defineEvent('task.send-email')], tasks: [sendEmail] },
      /two definitions of the topic 'task\.send-email'/,
    ],
    ['an unknown broker', { brokers: ['nats' as never] }, /brokers has kafka, rabbitmq, redis, not 'nats'/],
    ['a server that is none', { servers: { a: 'memory:geheim' } }, /server 'a' .* needs a URL of amqp/],
    ['a name that no server has', { servers: { 'a b': 'redis://host' } }, /server 'a b'/],
    ['an unknown option', { event: [] }, /no option 'event'/],
    ['an empty title', { title: '' }, /title must not be empty/],
    ['events that are no list', { events: {} as never }, /events must be an array/],
    ['a value that is no event', { events: [{ schema: z.string() } as never] }, /name of an event must be a string/],
    ['a name that no group has', { events: [{ event: userCreated, groups: ['a b'] }] }, /cannot be the group/],
  ])('refuses %s', (_, options, reason) => {
    expect(() => asyncapi({ ...shop, ...options })).toThrow(reason)
    expect(() => asyncapi({ ...shop, ...options })).not.toThrow(/geheim/)
  })

  it('is read from JSON and from YAML as it was written, and from nothing else', async () => {
    const document = asyncapi({ ...shop, events: [userCreated], tasks: [sendEmail] })
    await expectValid(document, 'yaml')
    expect(readDocument(documentText(document))).toEqual(document)
    expect(readDocument(documentText(document, 'yaml'))).toEqual(document)
    expect(() => readDocument('{"asyncapi":')).toThrow(/neither JSON nor YAML/)
    expect(() => readDocument('[]')).toThrow(/no AsyncAPI document/)
    expect(() => readDocument('asyncapi: 2.6.0')).toThrow(/is AsyncAPI 2\.6\.0; 3 is needed/)
  })
})
