import { Readable, Writable } from 'node:stream'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeData } from '../src/adapter.js'
import { encodeData } from '../src/wire/codec.js'
import { anyCharacter } from './support/characters.js'
import { errorOf, mqErrorOf } from './support/errors.js'

const roundTrip = (value: unknown): unknown => {
  const { body, contentType } = encodeData(value)
  return decodeData(body, contentType)
}

const nested = (levels: number): unknown => {
  let value: unknown = 'bottom'
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { inside: value }
  return value
}

function* rows() {
  yield 1
}

async function* laterRows() {
  yield 1
}

describe('encodeData', () => {
  it('gives every JSON value back as it was', () => {
    const anyJson = fc.jsonValue({ stringUnit: anyCharacter, maxDepth: 6 })
    fc.assert(
      fc.property(anyJson, (value) => {
        // JSON writes -0 as 0; all else is compared as it is.
        expect(roundTrip(value)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
      { numRuns: 500 },
    )
  })

  it('keeps a property named __proto__ as a property', () => {
    const value: unknown = JSON.parse('{"__proto__":{"isAdmin":true},"constructor":{"prototype":{}},"a":1}')
    const back = roundTrip(value)
    expect(JSON.stringify(back)).toBe(JSON.stringify(value))
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
  })

  it('keeps unicode of every plane, and halves of surrogate pairs', () => {
    for (const text of ['ñ€😀', '\u0000\u001f', '\ud800', '\udfff!', '\u2028\u2029', '\ufeff']) {
      expect(roundTrip({ [text]: text })).toEqual({ [text]: text })
    }
  })

  it('sends bytes as they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(encodeData(bytes).contentType).toBe('application/octet-stream')
        expect(roundTrip(bytes)).toEqual(new Uint8Array(bytes))
      }),
    )
  })

  it('copies bytes, so that the caller may reuse its buffer', () => {
    const buffer = Buffer.from('first')
    const { body } = encodeData(buffer)
    buffer.fill('x')
    expect(Buffer.from(body).toString()).toBe('first')
    const received = decodeData(body, 'application/octet-stream') as Uint8Array
    body.fill(0)
    expect(Buffer.from(received).toString()).toBe('first')
  })

  it('takes 64 levels of nesting and refuses 65', async () => {
    expect(roundTrip(nested(64))).toEqual(nested(64))
    const error = await mqErrorOf(() => encodeData(nested(65)), 'MQ_NOT_SERIALIZABLE')
    expect(error.message).toContain('64')
  })

  it('leaves out properties that are undefined', () => {
    expect(roundTrip({ a: undefined, b: 1 })).toEqual({ b: 1 })
  })

  it('writes what toJSON returns, and calls it once per object as JSON does', () => {
    const time = new Date('2026-01-02T03:04:05.678Z')
    expect(roundTrip({ time })).toEqual({ time: '2026-01-02T03:04:05.678Z' })
    class Money {
      constructor(readonly amount: number) {}
      toJSON(): this {
        return this
      }
    }
    expect(roundTrip({ price: new Money(5) })).toEqual({ price: { amount: 5 } })
  })

  it('takes objects of a class with properties, boxed texts and toJSON that returns null', () => {
    class Order {
      readonly total = 5
    }
    class Empty {}
    const value = { order: new Order(), empty: new Empty(), text: Object('abc'), none: { toJSON: () => null } }
    expect(roundTrip(value)).toEqual({ order: { total: 5 }, empty: {}, text: 'abc', none: null })
    expect(roundTrip({ url: new URL('http://localhost/a') })).toEqual({ url: 'http://localhost/a' })
    expect(roundTrip(Object.assign(Object.create(null), { a: 1 }))).toEqual({ a: 1 })
  })

  const circular: { self?: unknown } = {}
  circular.self = circular
  const refused: readonly [string, unknown, string][] = [
    ['a cycle', { user: circular }, 'data.user.self'],
    ['a BigInt', { ids: [1, 2n] }, 'data.ids[1] is a BigInt'],
    ['a BigInt in its object form', { id: Object(2n) }, 'data.id is a BigInt'],
    ['a function', { callback: () => 1 }, 'data.callback is a function'],
    ['a symbol', { deep: [{ mark: Symbol('m') }] }, 'data.deep[0].mark is a symbol'],
    ['NaN', { price: Number.NaN }, 'data.price is NaN'],
    ['an infinity', [Number.NEGATIVE_INFINITY], 'data[0] is -Infinity'],
    ['undefined as the whole', undefined, 'data is undefined'],
    ['undefined in an array', { list: [1, undefined] }, 'data.list[1] is undefined'],
    ['a hole in an array', { list: new Array(2) }, 'data.list[0] is undefined'],
    ['a Map', { index: new Map([['a', 1]]) }, 'data.index is a Map'],
    ['a Set', new Set([1]), 'data is a Map or Set'],
    ['a promise that nobody awaited', { user: Promise.resolve(1) }, 'data.user is a promise'],
    ['an error', { failure: new Error('no') }, 'data.failure is an error'],
    ['a regular expression', { pattern: /a/ }, 'data.pattern is a regular expression'],
    ['NaN in its object form', [Object(Number.NaN)], 'data[0] is NaN'],
    ['a BigInt that toJSON returns', { a: { toJSON: () => ({ b: 1n }) } }, 'data.a.b is a BigInt'],
    ['bytes inside an object', { photo: new Uint8Array(3) }, 'data.photo holds bytes'],
    ['a Buffer inside an object', { photo: Buffer.from('abc') }, 'data.photo'],
    ['an ArrayBuffer', { raw: new ArrayBuffer(2) }, 'data.raw holds bytes'],
    ['an invalid date', { at: new Date('no date') }, 'data.at is an invalid date'],
    ['an invalid date in an array', [new Date(Number.NaN)], 'data[0] is an invalid date'],
    ['an invalid date of another realm', { at: runInNewContext("new Date('no date')") }, 'data.at is an invalid date'],
    [
      'an invalid date of a library',
      { at: { isValid: () => false, toJSON: () => null } },
      'data.at is an invalid date',
    ],
    ['headers', { headers: new Headers({ a: 'b' }) }, 'data.headers is a Headers'],
    ['a form', { form: new FormData() }, 'data.form is a FormData'],
    ['the parameters of a URL', { query: new URLSearchParams('a=b') }, 'data.query is a URLSearchParams'],
    ['a blob', { file: new Blob(['abc']) }, 'data.file is a Blob'],
    ['a file', { file: new File(['abc'], 'a.txt') }, 'data.file is a File'],
    ['a request', { request: new Request('http://localhost') }, 'data.request is a Request'],
    ['a response', { response: new Response('abc') }, 'data.response is a Response'],
    ['a stream of the web', { body: new ReadableStream() }, 'data.body is a ReadableStream'],
    ['a stream to write to', { sink: new WritableStream() }, 'data.sink is a WritableStream'],
    ['a stream of Node', { body: Readable.from(['a']) }, 'data.body is a Readable'],
    ['a stream of Node to write to', { sink: new Writable() }, 'data.sink is a Writable'],
    ['a generator', { rows: rows() }, 'data.rows is a Generator'],
    ['an asynchronous generator', { rows: laterRows() }, 'data.rows is a AsyncGenerator'],
    ['an iterator', [[1].values()], 'data[0] is a Array Iterator'],
    ['a plain object that iterates', { rows: { *[Symbol.iterator]() {} } }, 'data.rows is a list'],
    ['a signal', { signal: new AbortController().signal }, 'data.signal is a AbortSignal'],
    ['a WeakMap', { cache: new WeakMap() }, 'data.cache is a WeakMap'],
    ['headers that toJSON returns', { a: { toJSON: () => ({ b: new Headers() }) } }, 'data.a.b is a Headers'],
    ['a toJSON that returns undefined', { a: { toJSON: () => undefined } }, 'data.a is undefined'],
  ]
  it.each(refused)('refuses %s and names its place', async (_, value, place) => {
    const error = await mqErrorOf(() => encodeData(value), 'MQ_NOT_SERIALIZABLE')
    expect(error.message).toContain(place)
  })

  it('refuses a toJSON or a getter that throws, with what it threw as the cause', async () => {
    const cause = new Error('lazy loading failed')
    const broken = {
      get user(): string {
        throw cause
      },
    }
    const thrower = {
      toJSON() {
        throw cause
      },
    }
    expect((await mqErrorOf(() => encodeData({ broken }), 'MQ_NOT_SERIALIZABLE')).cause).toBe(cause)
    const error = await mqErrorOf(() => encodeData({ thrower }), 'MQ_NOT_SERIALIZABLE')
    expect(error.cause).toBe(cause)
    expect(error.message).toContain('data.thrower')
  })

  it('ends with MQ_NOT_SERIALIZABLE or with bytes, whatever it is given', () => {
    const anything = fc.anything({ withBigInt: true, withMap: true, withSet: true, withTypedArray: true, maxDepth: 3 })
    fc.assert(
      fc.property(anything, (value) => {
        try {
          encodeData(value)
        } catch (error) {
          expect(error).toHaveProperty('code', 'MQ_NOT_SERIALIZABLE')
        }
      }),
      { numRuns: 500 },
    )
  })

  it('ends a wide cycle at once', async () => {
    const knot: Record<string, unknown> = {}
    for (let index = 0; index < 100; index++) knot[`link${index}`] = knot
    expect(await errorOf(() => encodeData(knot))).toHaveProperty('code', 'MQ_NOT_SERIALIZABLE')
  })
})
