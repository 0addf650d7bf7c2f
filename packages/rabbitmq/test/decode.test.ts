import type { Message } from 'amqplib'
import { describe, expect, it } from 'vitest'
import { decode } from '../src/wire/decode.js'
import { jsonOf } from '../src/wire/json.js'

const message = (properties: object): Message =>
  ({ fields: {}, properties, content: Buffer.from('1') }) as unknown as Message

describe('decoding a malformed message', () => {
  const nested = (depth: number): unknown => {
    let value: unknown = 'x'
    for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value }
    return value
  }

  it('ignores a time that is not a number', () => {
    const time = { '!': 'timestamp', value: { valueOf: 1, toString: 1 } }
    const { message: decoded, decodeError } = decode(
      message({ headers: { 'cloudEvents:time': time }, messageId: 'm' }),
      't',
    )
    expect(decodeError).toBeUndefined()
    expect(Date.parse(decoded.time)).toBeGreaterThan(Date.now() - 60_000)
  })

  it('gives the same id each time to headers nested deeper than the stack allows', () => {
    const deep = message({ headers: { deep: nested(200_000) } })
    const ids = [deep, deep].map((one) => decode(one, 't').message.id)
    expect(ids[0]).toMatch(/^[0-9a-f]{32}$/)
    expect(ids[1]).toBe(ids[0])
  })

  it('calls nothing that a field named __proto__ has given to a table', () => {
    const forged = (prototype: object): object => Object.setPrototypeOf({ a: 1 }, prototype)
    const prototypes = [Buffer.from('x'), new Date(0), { toJSON: 1 }, new Map(), Object.create(null)]
    for (const prototype of prototypes) {
      const headers = { list: [forged(prototype)], table: { deep: forged(prototype) }, ...forged(prototype) }
      for (const table of [headers, forged(prototype)]) {
        const { message: decoded } = decode(message({ headers: table }), 't')
        expect(decoded.id).toMatch(/^[0-9a-f]{32}$/)
      }
    }
    expect(jsonOf([forged(Buffer.from('x')), Buffer.from('x')])).toBe('[{"a":1},{"type":"Buffer","data":[120]}]')
  })

  it('tells headers of ordinary depth apart in full', () => {
    expect(jsonOf(nested(90))).toBe(JSON.stringify(nested(90)))
    expect(jsonOf([1n, { a: 2n }])).toBe('["1",{"a":"2"}]')
  })
})
