import type { MessageProperties } from 'amqplib'
import { describe, expect, it } from 'vitest'
import { propertiesHash } from '../src/wire/fingerprint.js'

const hashOf = (properties: object): string => propertiesHash(properties as MessageProperties).digest('hex')

describe('the hash of the properties of a message', () => {
  it('does not depend on the order of headers, at any depth', () => {
    const one = hashOf({ messageId: 'm', headers: { a: 1, b: { c: 2n, d: [{ e: 3, f: 4 }] } } })
    const other = hashOf({ messageId: 'm', headers: { b: { d: [{ f: 4, e: 3 }], c: 2n }, a: 1 } })
    expect(other).toBe(one)
  })

  it('does not depend on how often the broker has delivered the message, and on nothing else', () => {
    const first = hashOf({ messageId: 'm', headers: { a: 1 } })
    expect(hashOf({ messageId: 'm', headers: { 'x-delivery-count': 2, a: 1, 'x-acquired-count': 3 } })).toBe(first)
    const others = [{ messageId: 'n', headers: { a: 1 } }, { messageId: 'm' }, { messageId: 'm', headers: { a: 2 } }]
    expect(new Set([first, ...others.map(hashOf)]).size).toBe(4)
  })
})
