import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeData } from '../src/adapter.js'
import { mqErrorOf } from './support/errors.js'

const bytes = (text: string): Uint8Array => Buffer.from(text)

describe('decodeData', () => {
  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'APPLICATION/JSON;charset="UTF-8"',
    'application/cloudevents+json',
    'application/vnd.api+json; version=1',
    '',
    undefined,
  ])('reads JSON for the content type %j', (contentType) => {
    expect(decodeData(bytes('{"a":[1]}'), contentType)).toEqual({ a: [1] })
  })

  it.each(['text/plain', 'text/csv; header=present', 'Text/HTML; charset=us-ascii'])(
    'reads text for %s',
    (contentType) => {
      expect(decodeData(bytes('{"a":1}'), contentType)).toBe('{"a":1}')
    },
  )

  it.each(['application/octet-stream', 'image/png', 'application/jsonlines', 'application/x-protobuf; charset=latin1'])(
    'leaves the bytes as they are for %s',
    (contentType) => {
      expect(decodeData(Uint8Array.of(0, 255, 128), contentType)).toEqual(Uint8Array.of(0, 255, 128))
    },
  )

  it.each(['\u001b[2J\u0000', '{"a":\r\nx\u007f', '[\u009b31m]', '"\u2028', 'x\ny'])(
    'shows no control character of a body that is not JSON: %j',
    async (text) => {
      const { message } = await mqErrorOf(async () => decodeData(bytes(text), 'application/json'), 'MQ_UNDECODABLE')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
      expect(message).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
    },
  )

  it('gives bytes a buffer of their own, so that numbers can be read out of it', () => {
    const inPool = Buffer.from(Float32Array.of(1.5, -2).buffer)
    const { buffer } = decodeData(Buffer.concat([Buffer.alloc(4), inPool]).subarray(4), 'image/png') as Uint8Array
    expect([...new Float32Array(buffer as ArrayBuffer)]).toEqual([1.5, -2])
  })

  it.each([
    'application/json; charset=iso-8859-1',
    'text/plain;charset=utf-16',
    'text/plain; format=flowed; charset="windows-1252"',
  ])('refuses another character set than UTF-8: %s', async (contentType) => {
    const error = await mqErrorOf(() => decodeData(bytes('"a"'), contentType), 'MQ_UNDECODABLE')
    expect(error.message).toMatch(/iso-8859-1|utf-16|windows-1252/)
  })

  it.each(['application/json', 'text/plain', undefined])('refuses invalid UTF-8 for %s', async (contentType) => {
    await mqErrorOf(() => decodeData(Uint8Array.of(0x22, 0xc3, 0x28, 0x22), contentType), 'MQ_UNDECODABLE')
  })

  it('says why a body is no JSON, without repeating a whole document', async () => {
    expect((await mqErrorOf(() => decodeData(bytes(''), undefined), 'MQ_UNDECODABLE')).message).toContain('empty')
    const long = bytes(`{"a": ${'x'.repeat(10_000)}`)
    expect((await mqErrorOf(() => decodeData(long, undefined), 'MQ_UNDECODABLE')).message.length).toBeLessThan(200)
  })

  it('takes 64 levels of nesting and refuses 65', async () => {
    const levels = (count: number, open: string, close: string) => bytes(open.repeat(count) + close.repeat(count))
    expect(() => decodeData(levels(64, '[', ']'), 'application/json')).not.toThrow()
    await mqErrorOf(() => decodeData(levels(65, '[', ']'), 'application/json'), 'MQ_UNDECODABLE')
    const objects = (count: number) => bytes(`${'{"a":'.repeat(count)}1${'}'.repeat(count)}`)
    expect(() => decodeData(objects(64), undefined)).not.toThrow()
    await mqErrorOf(() => decodeData(objects(65), undefined), 'MQ_UNDECODABLE')
  })

  it('refuses a body of 100,000 levels without running out of stack', async () => {
    const bomb = bytes('['.repeat(100_000) + ']'.repeat(100_000))
    expect((await mqErrorOf(() => decodeData(bomb, undefined), 'MQ_UNDECODABLE')).message).toContain('64')
  })

  it('does not take brackets inside of strings for nesting', () => {
    const text = `${'['.repeat(500)}"\\"{${'\\\\'}`
    expect(decodeData(bytes(JSON.stringify([text])), undefined)).toEqual([text])
  })

  it('decodes any bytes to a value or refuses them with MQ_UNDECODABLE', () => {
    const contentTypes = fc.constantFrom(
      undefined,
      'application/json',
      'text/plain',
      'image/png',
      'text/plain;charset=x',
    )
    fc.assert(
      fc.property(fc.uint8Array(), contentTypes, (body, contentType) => {
        try {
          decodeData(body, contentType)
        } catch (error) {
          expect(error).toHaveProperty('code', 'MQ_UNDECODABLE')
        }
      }),
      { numRuns: 500 },
    )
  })
})
