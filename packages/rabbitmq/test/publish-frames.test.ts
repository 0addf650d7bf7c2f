import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { OutgoingMessage } from '@mq/core/adapter'
import type { ConfirmChannel } from 'amqplib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameWriter } from '../src/publish/frame-writer.js'
import { encode } from '../src/wire/encode.js'
import { type Framed, PublishFrames } from '../src/wire/publish-frames.js'

const require = createRequire(import.meta.url)
const driver = (name: string) => require(join(dirname(require.resolve('amqplib')), 'lib', name))
const { BasicPublish, BasicProperties, encodeMethod, encodeProperties } = driver('defs.js')
const { makeBodyFrame } = driver('frame.js')
const { publish: argumentsOf } = driver('api_args.js')

const channel = 513
const frameMax = 131_072

/** Returns what the driver writes for a message. */
function written({ exchange, routingKey, content, properties }: Framed): Buffer {
  const fields = argumentsOf(exchange, routingKey, properties)
  return Buffer.concat([
    encodeMethod(BasicPublish, channel, fields),
    encodeProperties(BasicProperties, channel, content.length, fields),
    ...(content.length > 0 ? [makeBodyFrame(channel, content)] : []),
  ])
}

const text = (maxLength: number) => fc.string({ unit: 'grapheme', maxLength })
const texts = fc.dictionary(fc.oneof(fc.constantFrom('tenant', 'région'), text(8)), fc.oneof(text(20), text(800)), {
  maxKeys: 4,
})
const message: fc.Arbitrary<OutgoingMessage> = fc.record({
  id: fc.string({ minLength: 1, maxLength: 60 }),
  source: fc.constantFrom('/orders', '/été'),
  type: fc.constantFrom('order.placed', 'order.shipped'),
  time: fc.date({ noInvalidDate: true, min: new Date(0) }).map((date) => date.toISOString()),
  contentType: fc.constantFrom('application/json', 'text/plain'),
  headers: texts,
  extensions: fc.constantFrom({}, { subject: 'a' }, { traceparent: '00-1-2-03', subject: 'b' }),
  body: fc.uint8Array({ maxLength: 300 }),
})
const framed = fc
  .record({ message, exchange: fc.constantFrom('', 'mq.topic.orders', 'ö'), routingKey: fc.constantFrom('', 'a.b') })
  .map(({ message: one, exchange, routingKey }): Framed => ({ exchange, routingKey, ...encode(one) }))

describe('the frames of published messages', () => {
  it('are the bytes that the driver writes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(framed, fc.boolean()), { minLength: 1, maxLength: 12 }), (messages) => {
        const frames = new PublishFrames(channel)
        const [taken, expected]: [Buffer[], Buffer[]] = [[], []]
        for (const [one, isTaken] of messages) {
          expect(frames.add(one, frameMax)).toBe(true)
          expected.push(written(one))
          if (isTaken) taken.push(frames.take())
        }
        expect(Buffer.concat([...taken, frames.take()])).toEqual(Buffer.concat(expected))
        expect(frames.size).toBe(0)
      }),
    )
  })

  const plain: Framed = {
    exchange: 'e',
    routingKey: 'k',
    content: Buffer.from('1'),
    properties: { messageId: 'm', persistent: true, mandatory: true, headers: { a: 'b' } },
  }
  const withProperties = (properties: Framed['properties']): Framed => ({
    ...plain,
    properties: { ...plain.properties, ...properties },
  })
  it.each<[string, Framed]>([
    ['a property that only other programs write', withProperties({ correlationId: 'c' })],
    ['a header that is no text', withProperties({ headers: { a: 1 } })],
    ['a header whose name is too long', withProperties({ headers: { ['n'.repeat(256)]: 'b' } })],
    ['a message that is not persistent', withProperties({ persistent: false })],
    ['a time that is no number', withProperties({ timestamp: Number.NaN })],
    ['an id that is too long', withProperties({ messageId: 'é'.repeat(128) })],
    ['a routing key that is too long', { ...plain, routingKey: 'k'.repeat(256) }],
    ['a large body', { ...plain, content: Buffer.alloc(5_000) }],
  ])('leave %s to the driver, and the messages around it whole', (_, odd) => {
    const frames = new PublishFrames(channel)
    expect(frames.add(plain, frameMax)).toBe(true)
    expect(frames.add(odd, frameMax)).toBe(false)
    expect(frames.add(plain, frameMax)).toBe(true)
    expect(frames.take()).toEqual(Buffer.concat([written(plain), written(plain)]))
  })

  it('keep no more headers than an application has, and write the others all the same', () => {
    const frames = new PublishFrames(channel)
    for (let number = 0; number < 300; number++) {
      const one = withProperties({ headers: { [`h${number}`]: 'v', [`h${number - 1}`]: 'v' } })
      frames.add(one, frameMax)
      expect(frames.take()).toEqual(written(one))
    }
  })
})

describe('a channel that publishes past the driver', () => {
  class DriverConnection {
    channels = [undefined, { buffer: { write: () => true } }]
    sentSinceLastCheck = false
    sendMessage() {}
  }
  class DriverChannel {
    ch = 1
    connection = new DriverConnection()
    publish() {}
    sendMessage() {}
    pushConfirmCallback() {}
  }
  const isUsed = (channel: object): boolean => FrameWriter.for(channel as ConfirmChannel) !== undefined

  it('is one of a driver that has the parts for it', () => {
    expect(isUsed(new DriverChannel())).toBe(true)
    expect(isUsed(Object.assign(new DriverChannel(), { ch: undefined }))).toBe(false)
    expect(isUsed(Object.assign(new DriverChannel(), { connection: {} }))).toBe(false)
  })

  it('is none of which a function that messages pass was replaced, of itself, its connection or its class', () => {
    expect(isUsed(Object.assign(new DriverChannel(), { publish: () => true }))).toBe(false)
    expect(isUsed(Object.assign(new DriverChannel(), { sendMessage: () => true }))).toBe(false)
    const connection = Object.assign(new DriverConnection(), { sendMessage: () => true })
    expect(isUsed(Object.assign(new DriverChannel(), { connection }))).toBe(false)
    class Instrumented extends DriverChannel {}
    Instrumented.prototype.publish = Object.assign(() => {}, { __wrapped: true })
    expect(isUsed(new Instrumented())).toBe(false)
  })
})
