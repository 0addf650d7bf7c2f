import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { isStandardSchema, validate } from '../src/contract/schema.js'
import type { StandardSchema } from '../src/index.js'
import { errorOf, mqErrorOf } from './support/errors.js'

const schemas: readonly [string, StandardSchema][] = [
  ['zod', z.object({ user: z.object({ age: z.number() }), tags: z.array(z.string()) })],
  ['valibot', v.object({ user: v.object({ age: v.number() }), tags: v.array(v.string()) })],
  ['arktype', type({ user: { age: 'number' }, tags: 'string[]' })],
]

describe.each(schemas)('a schema of %s', (_, schema) => {
  it('is recognised', () => {
    expect(isStandardSchema(schema)).toBe(true)
  })

  it('lets data through that matches', async () => {
    const data = { user: { age: 5 }, tags: ['a'] }
    expect(await validate(schema, data, "'t'")).toEqual(data)
  })

  it('names the field that does not match, with its path, and keeps the issues', async () => {
    const error = await mqErrorOf(
      () => validate(schema, { user: { age: 'old' }, tags: ['a', 5] }, "'t'"),
      'MQ_INVALID_DATA',
    )
    expect(error.message).toContain("The data of 't' does not match its schema")
    expect(error.message).toContain('user.age: ')
    expect(error.message).toContain('tags.1: ')
    expect(error.issues).toHaveLength(2)
  })

  it('names data that is no object at all', async () => {
    await mqErrorOf(() => validate(schema, null, "'t'"), 'MQ_INVALID_DATA')
  })
})

describe('validate', () => {
  it('returns what the schema made of the value', () => {
    expect(validate(z.object({ at: z.coerce.date() }), { at: '2026-01-02' }, 'x')).toEqual({
      at: new Date('2026-01-02'),
    })
    expect(validate(v.pipe(v.string(), v.transform(Number)), '5', 'x')).toBe(5)
    expect(validate(type('string.numeric.parse'), '5', 'x')).toBe(5)
  })

  it('waits for an asynchronous schema, and is synchronous for any other', async () => {
    const free = z.string().refine(async (name) => name !== 'taken', 'is taken')
    await expect(validate(free, 'free', 'x')).resolves.toBe('free')
    const error = await mqErrorOf(() => validate(free, 'taken', 'x'), 'MQ_INVALID_DATA')
    expect(error.message).toContain('is taken')
    expect(validate(z.string(), 'now', 'x')).toBe('now')
  })

  it('shows three issues and counts the rest', async () => {
    const schema = z.object({ a: z.string(), b: z.string(), c: z.string(), d: z.string(), e: z.string() })
    const error = await mqErrorOf(() => validate(schema, {}, 'x'), 'MQ_INVALID_DATA')
    expect(error.message).toMatch(/a: .*; b: .*; c: .*; and 2 more$/)
    expect(error.issues).toHaveLength(5)
  })

  it('quotes what another program wrote on one line and without its control characters', async () => {
    const data = { '\u001b[31m\nforged': 1 }
    for (const schema of [z.strictObject({}), v.strictObject({}), z.record(z.string(), z.string())]) {
      const error = await mqErrorOf(() => validate(schema as StandardSchema, data, 'x'), 'MQ_INVALID_DATA')
      expect(error.message).toContain('forged')
      expect(error.message).not.toMatch(/\p{Cc}/u)
    }
  })

  it('shows many issues of arktype too, whose list is an array of its own kind', async () => {
    const schema = type({ a: 'string', b: 'string', c: 'string', d: 'string' })
    expect((await mqErrorOf(() => validate(schema, {}, 'x'), 'MQ_INVALID_DATA')).message).toContain('and 1 more')
  })

  it('passes on what a broken schema throws', async () => {
    const broken = z.string().refine(() => {
      throw new RangeError('broken refinement')
    })
    expect(await errorOf(() => validate(broken, 'a', 'x'))).toBeInstanceOf(RangeError)
  })
})

describe('isStandardSchema', () => {
  it.each([
    undefined,
    null,
    5,
    'z',
    {},
    () => true,
    { '~standard': null },
    { '~standard': {} },
    { '~standard': { version: 2, vendor: 'x', validate: () => ({ value: 1 }) } },
  ])('takes %s for none', (value) => {
    expect(isStandardSchema(value)).toBe(false)
  })
})
