import { describe, expect, it } from 'vitest'
import { unknownFailure } from '../../src/adapter-kit/failures.js'
import { decodeFailure, encodeFailure } from '../../src/contract/failure.js'
import { decodedOrUndefined } from '../../src/wire/codec.js'

describe('a dead letter that does not say why it is here', () => {
  it('has a failure of the broker, of no attempt, that can be written like any other', () => {
    const failure = unknownFailure(1_000)
    expect(failure).toMatchObject({ reason: 'broker', attempts: 0, firstFailedAt: 1_000, failedAt: 1_000 })
    expect(decodeFailure(encodeFailure(failure))).toEqual(failure)
  })
})

describe('a body that is only shown', () => {
  const json = 'application/json'

  it('is what it stands for', () => {
    expect(decodedOrUndefined({ body: Buffer.from('{"a":1}'), contentType: json })).toEqual({ a: 1 })
  })

  it('is undefined if it cannot be decoded', () => {
    expect(decodedOrUndefined({ body: Buffer.from('{'), contentType: json })).toBeUndefined()
  })
})
