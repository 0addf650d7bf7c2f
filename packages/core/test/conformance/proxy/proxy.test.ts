import { connect, createServer, type Server as NetServer, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { certificates } from '../../../../test-brokers/src/tls.js'
import { until } from '../../../src/conformance/kit/wait.js'
import { proxy, type TcpProxy } from '../../../src/conformance/proxy/proxy.js'

/** Tests with plain sockets what drivers hide: which bytes arrive, and how a connection ends. */
let listener: NetServer
let link: TcpProxy
const received: Buffer[] = []
const accepted: Socket[] = []
const ends: string[] = []

beforeAll(async () => {
  listener = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.push(socket)
    socket.on('data', (chunk) => received.push(chunk))
    socket.on('end', () => ends.push('end'))
    socket.on('error', (error) => ends.push(String(Reflect.get(error, 'code'))))
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  link = await proxy(`tcp://127.0.0.1:${portOf(listener)}`)
})
afterAll(async () => {
  await link.close()
  listener.close()
})

function portOf(server: NetServer): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

const bytes = (): number => received.reduce((sum, chunk) => sum + chunk.length, 0)

async function open(): Promise<Socket> {
  const before = accepted.length
  received.length = 0
  ends.length = 0
  const socket = connect(link.port, link.host)
  socket.on('error', () => undefined)
  await until('the connection at the other end', () => accepted.length > before)
  return socket
}

it('cut is only a reset at both ends, because an orderly end before it would look like a broker that closes', async () => {
  const socket = await open()
  const seen: string[] = []
  socket
    .on('end', () => seen.push('end'))
    .on('error', (error) => seen.push(String(Reflect.get(error, 'code'))))
    .resume()
  await link.cut()
  await until('both ends to be reset', () => socket.destroyed && ends.length > 0)
  expect(ends).toEqual(['ECONNRESET'])
  expect(seen).toEqual(['ECONNRESET'])
})

it('cut happens at once if an end does not read, with bytes still on their way', async () => {
  const socket = await open()
  socket.pause()
  accepted.at(-1)?.write(Buffer.alloc(50_000_000))
  let passed = -1
  const isFull = (): boolean => {
    const before = passed
    passed = link.bytes.out
    return passed > 1_000_000 && passed === before
  }
  await until('the link to be full', isFull)
  await link.cut()
  await until('both ends to be reset', () => ends.length > 0 && link.connections === 0)
  expect(ends).toEqual(['ECONNRESET'])
  socket.destroy()
})

it('dropAfter passes exactly that many bytes, then cuts', async () => {
  const socket = await open()
  await link.dropAfter(12_345, 'in')
  socket.write(Buffer.alloc(100_000))
  // Node reports a reset that arrives together with bytes as an end.
  await until('both ends to be cut', () => socket.destroyed && ends.length > 0)
  expect(bytes()).toBe(12_345)
  await open()
})

it('a frozen direction holds back the end of a client, and the other direction does not', async () => {
  const socket = await open()
  await link.freeze('in')
  socket.end()
  accepted.at(-1)?.write('still there')
  await until('the answer', () => link.bytes.out > 0 && socket.readableLength > 0)
  expect(ends).toEqual([])
  await link.heal()
  await until('the end', () => ends.includes('end'))
  socket.destroy()
})

it('one half of a connection can end while the other continues', async () => {
  const socket = await open()
  socket.end('question')
  await until('the end of the question', () => ends.includes('end'))
  const before = link.bytes.out
  accepted.at(-1)?.end('answer')
  await until('the answer', () => link.bytes.out === before + 6)
  socket.destroy()
})

it('slow limits all connections together', async () => {
  const sockets = [await open(), await open()]
  await link.slow(20_000)
  const startedAt = Date.now()
  for (const socket of sockets) socket.write(Buffer.alloc(5_000))
  await until('all of it', () => bytes() === 10_000)
  expect(Date.now() - startedAt).toBeGreaterThan(400)
  await link.heal()
  for (const socket of sockets) socket.destroy()
})

it('refuse refuses new connections, and heal accepts them on the same port', async () => {
  const socket = await open()
  await link.refuse()
  const refused = new Promise((resolve) =>
    connect(link.port, link.host).once('error', (error) => resolve(Reflect.get(error, 'code'))),
  )
  expect(await refused).toBe('ECONNREFUSED')
  expect(socket.destroyed).toBe(false)
  await link.heal()
  socket.destroy()
  ;(await open()).destroy()
})

it('has the URL of the broker with its own address, and refuses a URL without one by a text that does not show it', async () => {
  const port = portOf(listener)
  const second = await proxy(`amqp://bob:se%40cret@127.0.0.1:${port}/v?heartbeat=5`)
  expect(second.url).toBe(`amqp://bob:se%40cret@127.0.0.1:${second.port}/v?heartbeat=5`)
  await second.close()
  const bad = ['se@cret', 'amqp://bob:secret@127.0.0.1', 'tcp:127.0.0.1:80', 'amqp://bob:secret@:80']
  for (const url of bad) {
    const error = await proxy(url).catch((reason) => reason)
    expect(error, url).toBeInstanceOf(TypeError)
    expect(String(error)).not.toContain('cret')
  }
})

it('listens on the port that it is given, and rejects if that is in use', async () => {
  const first = await proxy(`tcp://127.0.0.1:${portOf(listener)}`)
  await expect(proxy(`tcp://127.0.0.1:${portOf(listener)}`, { port: first.port })).rejects.toThrow('EADDRINUSE')
  const { port } = first
  await first.close()
  const second = await proxy(`tcp://127.0.0.1:${portOf(listener)}`, { port })
  expect(second.port).toBe(port)
  await second.close()
})

it('with a certificate it speaks TLS to clients and passes the plain bytes, and cut resets both ends', async () => {
  const { cert, key } = certificates([])
  const door = await proxy(`tcp://127.0.0.1:${portOf(listener)}`, { tls: { cert, key } })
  received.length = 0
  ends.length = 0
  const careful = connectTls({ host: door.host, port: door.port })
  const refusal = new Promise((resolve) => careful.once('error', (error) => resolve(Reflect.get(error, 'code'))))
  expect(await refusal).toMatch(/SELF_SIGNED|UNABLE_TO_VERIFY/)

  const socket = connectTls({ host: door.host, port: door.port, rejectUnauthorized: false })
  socket.on('error', () => undefined)
  socket.write('hello')
  await until('the plain bytes', () => String(Buffer.concat(received)) === 'hello')
  const answer = new Promise((resolve) => socket.once('data', (data) => resolve(String(data))))
  accepted.at(-1)?.write('world')
  expect(await answer).toBe('world')
  ends.length = 0
  await door.cut()
  await until('both ends to be reset', () => socket.destroyed && ends.length > 0)
  expect(ends).toEqual(['ECONNRESET'])
  await until('the connection to be forgotten', () => door.connections === 0)
  await door.close()
})

it('close ends the connections and frees the port', async () => {
  const socket = await open()
  await link.close()
  await until('the connection to be reset', () => socket.destroyed)
  const refused = new Promise((resolve) =>
    connect(link.port, link.host).once('error', (error) => resolve(Reflect.get(error, 'code'))),
  )
  expect(await refused).toBe('ECONNREFUSED')
})
