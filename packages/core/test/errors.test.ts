import { describe, expect, it } from 'vitest'
import {
  errorCodes,
  isMqError,
  isRetryLater,
  isUnrecoverable,
  MqError,
  RetryLater,
  Unrecoverable,
} from '../src/index.js'
import { mqErrorOf, typeErrorOf } from './support/errors.js'

/** As the class of a second copy of the package would look. */
const branded = (brand: string, fields: object): Error =>
  Object.defineProperty(Object.assign(new Error('from another copy'), fields), Symbol.for(brand), { value: true })

describe('isMqError', () => {
  it('recognises an error by its code, of another copy of the package too', () => {
    const other = branded('@mq/core.MqError', { code: 'MQ_CLOSED' })
    for (const error of [new MqError('MQ_CLOSED', 'closed'), other]) {
      expect(isMqError(error)).toBe(true)
      expect(isMqError(error, 'MQ_CLOSED')).toBe(true)
      expect(isMqError(error, 'MQ_TIMEOUT')).toBe(false)
    }
  })

  it.each([undefined, null, 'MQ_CLOSED', new Error('MQ_CLOSED'), { code: 'MQ_CLOSED' }])(
    'takes %s for none',
    (other) => {
      expect(isMqError(other)).toBe(false)
    },
  )

  it('keeps the cause, and has none where none was given', () => {
    const cause = new Error('ECONNRESET')
    expect(new MqError('MQ_CONNECTION_LOST', 'lost', { cause }).cause).toBe(cause)
    expect('cause' in new MqError('MQ_CLOSED', 'closed')).toBe(false)
    expect('issues' in new MqError('MQ_CLOSED', 'closed')).toBe(false)
  })
})

describe('errorCodes', () => {
  it('are unique, sorted and upper case: applications compare with them', () => {
    expect(new Set(errorCodes).size).toBe(errorCodes.length)
    expect(errorCodes.every((code) => /^MQ_[A-Z_]+$/.test(code))).toBe(true)
  })
})

describe('RetryLater and Unrecoverable', () => {
  it('are recognised from another copy of the package', () => {
    expect(isRetryLater(branded('@mq/core.RetryLater', { afterMs: 5 }))).toBe(true)
    expect(isUnrecoverable(branded('@mq/core.Unrecoverable', {}))).toBe(true)
    expect(isRetryLater(new Unrecoverable('no'))).toBe(false)
    expect(isUnrecoverable(new RetryLater({ afterMs: 5 }))).toBe(false)
    for (const other of [undefined, null, 'x', new Error('x')]) {
      expect(isRetryLater(other) || isUnrecoverable(other)).toBe(false)
    }
  })

  it('keep reason and cause', () => {
    const cause = new Error('429')
    expect(new RetryLater({ afterMs: 5, reason: 'rate limit', cause })).toMatchObject({ message: 'rate limit', cause })
    expect(new RetryLater({ afterMs: 5 }).message).toContain('5 ms')
    expect(new Unrecoverable('no such user', { cause })).toMatchObject({ message: 'no such user', cause })
  })

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('refuse a delay of %d', async (afterMs) => {
    await mqErrorOf(() => new RetryLater({ afterMs }), 'MQ_INVALID_OPTION')
  })

  it('refuse a delay that is no number', async () => {
    await typeErrorOf(() => new RetryLater({ afterMs: '5' as unknown as number }))
    await typeErrorOf(() => new RetryLater(5 as unknown as { afterMs: number }))
  })
})
