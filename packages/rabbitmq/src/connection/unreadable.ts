import type { ChannelModel } from 'amqplib'
import { frameLayout, frameType, propertyFlag } from './frame-layout.js'

// See docs/upstream/amqplib-nested-headers.md.

/** The property under which a message has the bytes of headers that the driver cannot decode. */
export const unreadableHeaders = Symbol('unreadableHeaders')

interface Frames {
  rest: Buffer
  recvFrame(): { fields: object } | false
}

const isFrames = (driver: unknown): driver is Frames =>
  typeof driver === 'object' && driver !== null && 'recvFrame' in driver && 'rest' in driver

/** The parts of a header frame's payload: a class, a weight and the size of the body come before the flags. */
const flagsAt = 12

/**
 * Makes the driver go on after a message whose properties it cannot decode. It would give up the connection, at each redelivery again.
 * The message arrives without its headers instead, and with their bytes under `unreadableHeaders`.
 */
export function toleratesHeaders(connection: ChannelModel): void {
  const driver: unknown = connection.connection
  if (!isFrames(driver)) return
  const receive = driver.recvFrame
  driver.recvFrame = function (this: Frames) {
    const { rest } = this
    try {
      return receive.call(this)
    } catch (error) {
      // Otherwise it is no whole frame, or one without properties.
      const isTaken = this.rest !== rest && isWhole(rest) && rest.readUInt8(0) === frameType.header
      if (!isTaken) throw error
      return receiveWithout(this, rest, receive)
    }
  }
}

const isWhole = (rest: Buffer): boolean =>
  rest.length >= frameLayout.payloadAt &&
  rest.length >= frameLayout.payloadAt + rest.readUInt32BE(frameLayout.lengthAt) + frameLayout.endBytes

/** Gives the driver the same frame again, without the headers, or without any property if it cannot decode the others either. */
function receiveWithout(driver: Frames, taken: Buffer, receive: Frames['recvFrame']): ReturnType<Frames['recvFrame']> {
  const length = taken.readUInt32BE(frameLayout.lengthAt)
  const payload = taken.subarray(frameLayout.payloadAt, frameLayout.payloadAt + length)
  const after = taken.subarray(frameLayout.payloadAt + length + frameLayout.endBytes)
  const again = (properties: Buffer): ReturnType<Frames['recvFrame']> => {
    const shorter = Buffer.concat([taken.subarray(0, frameLayout.payloadAt), payload.subarray(0, flagsAt), properties])
    shorter.writeUInt32BE(flagsAt + properties.length, frameLayout.lengthAt)
    driver.rest = Buffer.concat([shorter, taken.subarray(taken.length - after.length - frameLayout.endBytes)])
    return receive.call(driver)
  }
  const given = payload.subarray(flagsAt)
  let bytes = given
  let received: ReturnType<Frames['recvFrame']>
  try {
    const { start, end } = tableIn(given)
    bytes = given.subarray(start, end)
    const others = Buffer.concat([given.subarray(0, start), given.subarray(end)])
    others.writeUInt16BE(others.readUInt16BE(0) & ~propertyFlag.headers, 0)
    received = again(others)
  } catch {
    received = again(Buffer.alloc(2))
  }
  if (received !== false) received.fields = { ...received.fields, [unreadableHeaders]: Buffer.from(bytes) }
  return received
}

/** Finds the header table among properties. Two short texts may come before it. Throws a `RangeError` if there is none. */
function tableIn(properties: Buffer): { readonly start: number; readonly end: number } {
  const flags = properties.readUInt16BE(0)
  let start = 2
  for (const before of [propertyFlag.contentType, propertyFlag.contentEncoding]) {
    if ((flags & before) !== 0) start += 1 + properties.readUInt8(start)
  }
  const end = start + 4 + properties.readUInt32BE(start)
  if ((flags & propertyFlag.headers) === 0 || end > properties.length) throw new RangeError('There is no header table')
  return { start, end }
}
