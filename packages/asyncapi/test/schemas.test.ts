import { defineEvent, defineTask, type StandardSchema } from '@mq/core'
import * as v from 'valibot'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { asyncapi, definitionsIn, missingSchemas } from '../src/index.js'
import { expectValid } from './support/parse.js'

const shop = { title: 'Shop', version: '1' } as const
const mute = v.object({ email: v.string() })

it('says in the document which message has no JSON Schema, and why', async () => {
  const events = [
    defineEvent('mute', { schema: mute }),
    defineEvent('dated', { schema: z.object({ at: z.date() }) }),
    defineEvent('bare'),
    defineEvent('fine', { schema: z.string() }),
  ]
  const document = asyncapi({ ...shop, events })
  await expectValid(document)
  const advice = 'give one by hand, or convert it with toJsonSchema.'
  expect(missingSchemas(document)).toEqual([
    {
      message: 'mute',
      reason: `The payload is not described: this schema of valibot offers no JSON Schema; ${advice}`,
    },
    {
      message: 'dated',
      reason: `The payload is not described: zod makes no JSON Schema of it (Date cannot be represented in JSON Schema); ${advice}`,
    },
    { message: 'bare', reason: `The payload is not described: there is no schema; ${advice}` },
  ])
  expect(document.components.messages.mute).not.toHaveProperty('payload')
})

it('takes a schema by hand, another schema, or what toJsonSchema makes', async () => {
  const written = { type: 'object', properties: { email: { type: 'string' } } }
  const document = asyncapi({
    ...shop,
    events: [
      { event: defineEvent('by-hand', { schema: mute }), schema: written },
      { event: defineEvent('other', { schema: mute }), schema: z.object({ other: z.string() }) },
      defineEvent('converted', { schema: mute }),
      defineEvent('offered', { schema: z.object({ mine: z.string() }) }),
    ],
    toJsonSchema: (schema) => (schema === (mute as StandardSchema) ? { title: 'converted' } : undefined),
  })
  await expectValid(document)
  expect(missingSchemas(document)).toEqual([])
  expect(document.components.schemas).toMatchObject({
    'by-hand': written,
    other: { required: ['other'] },
    converted: { title: 'converted' },
    offered: { required: ['mine'] },
  })
})

it('takes z.toJSONSchema, for versions of zod whose schemas do not convert themselves', () => {
  const own = z.object({ at: z.date() })
  const hidden: StandardSchema = { '~standard': { version: 1, vendor: 'zod', validate: (value) => ({ value }) } }
  const { components } = asyncapi({
    ...shop,
    events: [defineEvent('a', { schema: hidden })],
    toJsonSchema: () => z.toJSONSchema(own, { target: 'draft-7', io: 'input', unrepresentable: 'any' }),
  })
  expect(components.schemas.a).toEqual({ type: 'object', properties: { at: {} }, required: ['at'] })
})

it('finds definitions among the exports of a module, in lists and records, each once', () => {
  const [one, two, three] = ['one', 'two', 'three'].map((name) => defineEvent(name))
  const task = defineTask({ name: 'send', execute: () => 1 })
  class Resize {
    readonly name = 'resize'
    execute(): void {}
  }
  const resize = new Resize()
  const exported = {
    one,
    again: one,
    all: [one, two],
    by: { three, task },
    resize,
    name: 'x',
    other: { name: 'y' },
    f() {},
  }
  expect(definitionsIn(exported)).toEqual({ events: [one, two, three], tasks: [resize, task] })
  expect(definitionsIn({ default: { one } })).toEqual({ events: [one], tasks: [] })
  const document = asyncapi({ ...shop, events: [defineEvent('a')] })
  expect(definitionsIn({ default: document }).document).toBe(document)
  expect(definitionsIn(undefined)).toEqual({ events: [], tasks: [] })
})
