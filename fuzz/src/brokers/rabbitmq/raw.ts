import { connect, type Socket } from 'node:net'
import { type Blob, bytesOf } from '../../blob.js'
import { encodeTable, shortText, type Table } from './field.js'

export interface RawMessage {
  readonly exchange: string
  readonly routingKey: string
  readonly headers: Table
  readonly contentType?: string
  readonly contentEncoding?: string
  readonly deliveryMode?: number
  readonly priority?: number
  readonly correlationId?: string
  readonly replyTo?: string
  readonly expiration?: string
  readonly messageId?: string
  /** Seconds, in hexadecimal digits: more than a number can hold. */
  readonly timestamp?: string
  readonly type?: string
  readonly appId?: string
  readonly body: Blob
}

export interface RawRabbit {
  /** Resolves with true once the broker has confirmed it, and with false when it refuses. */
  publish(message: RawMessage): Promise<boolean>
  close(): void
}

export interface Login {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
}

const frameMax = 131_072
const answerMs = 15_000
/** Returned, taken, not taken, and the ends of a channel and of a connection. */
const outcomes = ['60.50', '60.80', '60.120', '20.40', '10.50', 'closed'] as const
/** What no queue takes comes back. */
const mandatory = Buffer.from([1])
const frameEnd = Buffer.from([0xce])
const method = (classId: number, id: number, ...args: readonly Buffer[]): Buffer =>
  Buffer.concat([uint16(classId), uint16(id), ...args])

const uint16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

const frame = (type: number, channel: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([type]), uint16(channel), uint32(payload.length), payload, frameEnd])

/** AMQP 0-9-1 by hand: a driver would not write what it cannot read. One message at a time. */
export function rawRabbit(login: Login): RawRabbit {
  let link: Promise<Link> | undefined
  let turn: Promise<unknown> = Promise.resolve()

  async function publishNow(message: RawMessage): Promise<boolean> {
    link ??= openLink(login)
    const { send, answer, end } = await link
    for (const part of framesOf(message)) send(part)
    let got = await answer(outcomes)
    const isReturned = got === '60.50'
    if (isReturned) got = await answer(outcomes)
    if (got === '60.80') return !isReturned
    // It ended the channel over it, or the connection.
    if (got !== '60.120') {
      link = undefined
      end()
    }
    return false
  }

  return {
    publish(message) {
      const published = turn.then(() => publishNow(message))
      turn = published.catch(() => {
        link = undefined
      })
      return published
    },
    close: () =>
      void link?.then(
        ({ end }) => end(),
        () => undefined,
      ),
  }
}

function framesOf(message: RawMessage): readonly Buffer[] {
  const body = bytesOf(message.body)
  const publish = method(60, 40, uint16(0), shortText(message.exchange), shortText(message.routingKey), mandatory)
  const size = Buffer.alloc(8)
  size.writeBigUInt64BE(BigInt(body.length))
  const { flags, properties } = propertiesOf(message)
  const parts = [
    frame(1, 1, publish),
    frame(2, 1, Buffer.concat([uint16(60), uint16(0), size, uint16(flags), properties])),
  ]
  for (let at = 0; at < body.length; at += frameMax - 8) parts.push(frame(3, 1, body.subarray(at, at + frameMax - 8)))
  return parts
}

function propertiesOf(message: RawMessage): { readonly flags: number; readonly properties: Buffer } {
  const parts: Buffer[] = []
  let flags = 0
  const add = (bit: number, value: Buffer | undefined): void => {
    if (value === undefined) return
    flags |= 1 << bit
    parts.push(value)
  }
  const text = (value: string | undefined): Buffer | undefined => (value === undefined ? undefined : shortText(value))
  const octet = (value: number | undefined): Buffer | undefined =>
    value === undefined ? undefined : Buffer.from([value & 0xff])
  add(15, text(message.contentType))
  add(14, text(message.contentEncoding))
  add(13, encodeTable(message.headers))
  add(12, octet(message.deliveryMode ?? 2))
  add(11, octet(message.priority))
  add(10, text(message.correlationId))
  add(9, text(message.replyTo))
  add(8, text(message.expiration))
  add(7, text(message.messageId))
  add(
    6,
    message.timestamp === undefined ? undefined : Buffer.from(message.timestamp.padStart(16, '0').slice(-16), 'hex'),
  )
  add(5, text(message.type))
  add(3, text(message.appId))
  return { flags, properties: Buffer.concat(parts) }
}

interface Link {
  send(bytes: Buffer): void
  /** The next of these methods that the broker sends. */
  answer(wanted: readonly string[]): Promise<string>
  end(): void
}

async function openLink({ host, port, username, password }: Login): Promise<Link> {
  const socket: Socket = connect({ host, port, noDelay: true })
  const arrived: string[] = []
  let wake = (): void => undefined
  let pending = Buffer.alloc(0)
  const arrive = (name: string): void => {
    arrived.push(name)
    wake()
  }
  socket.on('data', (bytes) => {
    pending = Buffer.concat([pending, bytes])
    while (pending.length >= 8 && pending.length >= 8 + pending.readUInt32BE(3)) {
      const size = pending.readUInt32BE(3)
      if (pending[0] === 1) arrive(`${pending.readUInt16BE(7)}.${pending.readUInt16BE(9)}`)
      pending = pending.subarray(8 + size)
    }
  })
  socket.on('error', () => undefined)
  socket.on('close', () => arrive('closed'))
  const send = (bytes: Buffer): void => void socket.write(bytes)
  async function answer(wanted: readonly string[]): Promise<string> {
    for (const until = Date.now() + answerMs; ; ) {
      for (let name = arrived.shift(); name !== undefined; name = arrived.shift())
        if (wanted.includes(name)) return name
      if (Date.now() > until) throw new Error(`RabbitMQ did not send ${wanted.join(' or ')} in ${answerMs} ms`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1_000)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
  send(Buffer.from('AMQP\u0000\u0000\u0009\u0001', 'latin1'))
  await answer(['10.10'])
  const response = Buffer.from(`\u0000${username}\u0000${password}`)
  send(
    frame(1, 0, method(10, 11, uint32(0), shortText('PLAIN'), uint32(response.length), response, shortText('en_US'))),
  )
  await answer(['10.30'])
  send(frame(1, 0, method(10, 31, uint16(10), uint32(frameMax), uint16(0))))
  send(frame(1, 0, method(10, 40, shortText('/'), shortText(''), Buffer.from([0]))))
  await answer(['10.41'])
  send(frame(1, 1, method(20, 10, shortText(''))))
  await answer(['20.11'])
  send(frame(1, 1, method(85, 10, Buffer.from([0]))))
  await answer(['85.11'])
  return { send, answer, end: () => void socket.destroy() }
}
