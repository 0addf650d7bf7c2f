import type { ChannelModel } from 'amqplib'
import { describe, expect, it } from 'vitest'
import { toleratesHeaders, unreadableHeaders } from '../src/connection/unreadable.js'

/** A driver that has read these bytes, and cannot decode a frame that holds `bad`. */
function driverWith(bytes: Buffer) {
  const seen: string[] = []
  const driver = {
    rest: bytes,
    recvFrame() {
      const length = driver.rest.readUInt32BE(3)
      const payload = driver.rest.subarray(7, 7 + length).toString('latin1')
      driver.rest = driver.rest.subarray(8 + length)
      seen.push(payload)
      if (payload.includes('bad')) throw new RangeError('Maximum call stack size exceeded')
      return { fields: { payload } as object }
    },
  }
  toleratesHeaders({ connection: driver } as unknown as ChannelModel)
  return { driver, seen }
}

const frame = (type: number, payload: string): Buffer => {
  const bytes = Buffer.from(`\u0000\u0000\u0001\u0000\u0000\u0000\u0000${payload}\u00ce`, 'latin1')
  bytes.writeUInt8(type, 0)
  bytes.writeUInt32BE(payload.length, 3)
  return bytes
}

const start = '\u0000\u003c\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0007'

describe('a header frame that the driver cannot decode', () => {
  it.each([
    [
      'headers between others',
      '\u00e0\u0080\u0001t\u0001e\u0000\u0000\u0000\u0003bad\u0001i',
      '\u00c0\u0080\u0001t\u0001e\u0001i',
      'bad',
    ],
    ['another property', '\u0080\u0000\u0003bad', '\u0000\u0000', '\u0080\u0000\u0003bad'],
    ['headers longer than the frame', '\u0020\u0000\u0000\u0000\u0000\u0009bad', '\u0000\u0000', 'bad'],
    ['headers and another property', '\u00a0\u0000\u0003bad\u0000\u0000\u0000\u0003bad', '\u0000\u0000', 'bad'],
    ['no flags', '\u0000', undefined, ''],
  ])('is taken again without the headers: %s', (_, properties, left, raw) => {
    const next = frame(3, 'the body')
    const whole = Buffer.concat([frame(2, `${start}${properties}${left === undefined ? 'bad' : ''}`), next])
    const { driver } = driverWith(whole)
    const received = driver.recvFrame() as { fields: { payload: string; [unreadableHeaders]: Buffer } }
    expect(received.fields.payload).toBe(`${start}${left ?? '\u0000\u0000'}`)
    expect(received.fields[unreadableHeaders].toString('latin1')).toContain(raw)
    expect(driver.rest).toEqual(next)
  })

  it('leaves other faults as they are', () => {
    expect(() => driverWith(frame(1, 'bad')).driver.recvFrame()).toThrow(RangeError)
    expect(() => driverWith(Buffer.alloc(0)).driver.recvFrame()).toThrow(RangeError)
  })
})
