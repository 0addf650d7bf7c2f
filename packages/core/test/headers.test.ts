import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maxHeaderBytes } from '../src/adapter.js'
import { headerBytes, requireHeaders } from '../src/contract/headers.js'
import { mqErrorOf, typeErrorOf } from './support/errors.js'

const headerName = fc
  .stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/)
  .filter((name) => !/^(cc|bcc|x-|mq-|ce[-_]|cloudevents|content-(type|encoding)$|constructor$)/i.test(name))
const headerValue = fc.string({ unit: 'grapheme' }).filter((text) => !/\p{Cc}/u.test(text))

describe('requireHeaders', () => {
  it('keeps names and values exactly as written, in a frozen copy without a prototype', () => {
    fc.assert(
      fc.property(fc.dictionary(headerName, headerValue, { maxKeys: 20 }), (given) => {
        const headers = requireHeaders(given)
        expect(Object.entries(headers)).toEqual(Object.entries(given))
        expect(Object.getPrototypeOf(headers)).toBeNull()
        expect(Object.isFrozen(headers)).toBe(true)
      }),
    )
  })

  it('takes names that every object inherits for ordinary names', () => {
    expect(requireHeaders({ toString: 'a', hasOwnProperty: 'b' })).toMatchObject({ toString: 'a', hasOwnProperty: 'b' })
  })

  it.each([
    'CC',
    'cc',
    'BCC',
    'x-delay',
    'X-Death',
    'mq-attempt',
    'MQ-id',
    'ce-id',
    'ce_id',
    'CloudEvents:id',
    'cloudEvents_id',
    'content-type',
    'Content-Encoding',
    'constructor',
  ])('refuses the reserved name %s', async (name) => {
    const error = await mqErrorOf(() => requireHeaders({ [name]: 'a' }), 'MQ_INVALID_HEADER')
    expect(error.message).toContain(name)
  })

  it.each(['', ' ', 'a b', 'a:b', '__proto__', '-a', 'ä', 'a\r\nb', 'a\u0000', 'n'.repeat(128)])(
    'refuses the malformed name %j',
    async (name) => {
      await mqErrorOf(() => requireHeaders(JSON.parse(`{${JSON.stringify(name)}:"a"}`)), 'MQ_INVALID_HEADER')
    },
  )

  it.each(['a\r\nb', 'a\nb', '\u0000', '\u001b[31m', '\u007f', '\ud800', '\udc00x'])(
    'refuses the value %j and names the header',
    async (value) => {
      const error = await mqErrorOf(() => requireHeaders({ trace: value }), 'MQ_INVALID_HEADER')
      expect(error.message).toContain("'trace'")
    },
  )

  it('accepts a tab, an empty value and unicode', () => {
    expect(requireHeaders({ a: '\t', b: '', c: 'ñ😀' })).toEqual({ a: '\t', b: '', c: 'ñ😀' })
  })

  it.each([5, null, undefined, true, ['a'], {}, new Date()])('refuses the value %j with a TypeError', async (value) => {
    expect((await typeErrorOf(() => requireHeaders({ trace: value }))).message).toContain("'trace'")
  })

  it.each([null, 'a=b', 5, [['a', 'b']], new Map([['a', 'b']]), new globalThis.Headers({ a: 'b' })])(
    'refuses what is no plain object with a TypeError, instead of sending no headers: %s',
    async (value) => {
      await typeErrorOf(() => requireHeaders(value))
    },
  )

  it('takes 64 headers and refuses 65', async () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`h${index}`, '']))
    expect(Object.keys(requireHeaders(many(64)))).toHaveLength(64)
    await mqErrorOf(() => requireHeaders(many(65)), 'MQ_INVALID_HEADER')
  })

  it('takes 32 KiB in UTF-8, names included, and refuses a byte more', async () => {
    const headers = requireHeaders({ a: 'é'.repeat((maxHeaderBytes - 2) / 2), b: '' })
    expect(headerBytes(headers)).toBe(maxHeaderBytes)
    await mqErrorOf(() => requireHeaders({ ...headers, b: 'x' }), 'MQ_INVALID_HEADER')
  })

  it('does not pollute the prototype of anything', async () => {
    await mqErrorOf(() => requireHeaders(JSON.parse('{"__proto__":"polluted"}')), 'MQ_INVALID_HEADER')
    expect(Object.getPrototypeOf({})).toBe(Object.prototype)
  })
})
