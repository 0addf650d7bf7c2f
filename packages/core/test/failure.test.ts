import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeFailure, encodeFailure } from '../src/adapter.js'
import { describeError, failureReasons, reasonFor } from '../src/contract/failure.js'
import { type Failure, MqError, Unrecoverable } from '../src/index.js'
import { anyCharacter } from './support/characters.js'
import { failure } from './support/deliveries.js'

const text = fc.string({ unit: anyCharacter, maxLength: 600 })
const anyFailure: fc.Arbitrary<Failure> = fc.record({
  reason: fc.constantFrom(...failureReasons),
  error: fc
    .record({ name: text, message: text, code: text }, { requiredKeys: ['name', 'message'] })
    .map((error) => describeError(error)),
  attempts: fc.nat(),
  firstFailedAt: fc.nat(),
  failedAt: fc.nat(),
})

const throwing = (): never => {
  throw new Error('no')
}
const hostile: readonly [string, unknown][] = [
  ['a proxy that throws for everything', new Proxy({}, { get: throwing, has: throwing, ownKeys: throwing })],
  [
    'a message that throws',
    {
      name: 'E',
      get message() {
        return throwing()
      },
    },
  ],
  ['an object without a prototype', Object.create(null)],
  ['an object that cannot be a string', { toString: throwing }],
  ['a function', throwing],
  ['undefined', undefined],
  ['null', null],
  ['a symbol', Symbol('s')],
  ['a BigInt', 5n],
  ['a message that is an object', { message: { deep: true } }],
]

describe('describeError', () => {
  it('keeps name, message and code of an error', () => {
    const error = Object.assign(new TypeError('refused'), { code: 'ECONNREFUSED', stack: 'secret path' })
    expect(describeError(error)).toEqual({ name: 'TypeError', message: 'refused', code: 'ECONNREFUSED' })
    expect(describeError({ code: 11_000 })).toMatchObject({ code: '11000' })
    expect(describeError('just a text')).toEqual({ name: 'Error', message: 'just a text' })
  })

  it('cuts every text to 256 characters', () => {
    fc.assert(
      fc.property(text, (long) => {
        const described = describeError({ name: long, message: long, code: long })
        for (const part of Object.values(described)) expect(part.length).toBeLessThanOrEqual(256)
      }),
    )
    const long = describeError(new Error('x'.repeat(1_000))).message
    expect(long).toHaveLength(256)
    expect(long).toMatch(/x\.\.\.$/)
  })

  it('never cuts a character in two', () => {
    for (const before of ['', 'x']) {
      const { message } = describeError(new Error(before + '😀'.repeat(300)))
      expect(Buffer.from(message).toString()).toBe(message)
    }
  })

  it('escapes what a terminal acts upon, and leaves only the lines of the message', () => {
    const forged = '\u001b[31m\r\n\tforged\u009b'
    const shown = { name: forged, message: forged, code: forged }
    const escaped = '\\u001b[31m\\u000d\\u000a\\u0009forged\\u009b'
    const expected = { name: escaped, message: '\\u001b[31m\n\tforged\\u009b', code: escaped }
    expect(describeError(shown)).toEqual(expected)
    const stored = { reason: 'error', error: shown, attempts: 1, firstFailedAt: 1, failedAt: 1 }
    expect(decodeFailure(JSON.stringify(stored))?.error).toEqual(expected)
  })

  it.each(hostile)('describes %s without throwing', (_, error) => {
    const { name, message } = describeError(error)
    expect(typeof name).toBe('string')
    expect(typeof message).toBe('string')
    expect(reasonFor(error)).toBe('error')
  })
})

describe('reasonFor', () => {
  it('tells a timeout and an Unrecoverable from other errors', () => {
    expect(reasonFor(new MqError('MQ_HANDLER_TIMEOUT', 'late'))).toBe('timeout')
    expect(reasonFor(new MqError('MQ_TIMEOUT', 'late'))).toBe('error')
    expect(reasonFor(new Unrecoverable('no'))).toBe('unrecoverable')
  })
})

describe('encodeFailure and decodeFailure', () => {
  it('give every failure back as it was', () => {
    fc.assert(
      fc.property(anyFailure, (given) => {
        expect(decodeFailure(encodeFailure(given))).toEqual(given)
      }),
      { numRuns: 500 },
    )
  })

  it('keep the place of the run in a trace, and nothing else in its place', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const given = failure({ traceparent })
    expect(decodeFailure(encodeFailure(given))).toEqual(given)
    for (const other of ['', 'x', `${traceparent}0`, 7]) {
      expect(decodeFailure(JSON.stringify({ ...given, traceparent: other }))).toEqual(failure())
    }
  })

  it('write one line of printable ASCII, whatever the error says', () => {
    fc.assert(
      fc.property(anyFailure, (given) => {
        expect(encodeFailure(given)).toMatch(/^[\u0020-\u007e]+$/)
      }),
      { numRuns: 500 },
    )
    expect(encodeFailure(failure({ error: { name: 'E', message: 'a\r\nb\u0000\u007fé' } }))).toContain(
      'a\\r\\nb\\u0000\\u007f\\u00e9',
    )
  })

  it.each([
    undefined,
    '',
    'no json',
    '5',
    'null',
    '[]',
    '{}',
    '{"reason":"unheard of","error":{"name":"E","message":"m"},"attempts":1,"firstFailedAt":1,"failedAt":1}',
    '{"reason":"error","error":"text","attempts":1,"firstFailedAt":1,"failedAt":1}',
    '{"reason":"error","error":null,"attempts":1,"firstFailedAt":1,"failedAt":1}',
    '{"reason":"error","error":{},"attempts":"1","firstFailedAt":1,"failedAt":1}',
    '{"reason":"error","error":{},"attempts":1,"failedAt":1}',
  ])('take %j for no failure', (other) => {
    expect(decodeFailure(other)).toBeUndefined()
  })

  it('read any text without throwing', () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.json()), (other) => {
        expect(decodeFailure(other)).toBeUndefined()
      }),
    )
  })
})
