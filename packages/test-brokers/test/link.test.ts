import { connect, createServer, type Server as NetServer, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type BrokerProxy, proxy, type Server, until } from '../src/index.js'

/** Tests with plain sockets what drivers hide: which bytes arrive, and how a connection ends. */
let listener: NetServer
let link: BrokerProxy
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
  const address = listener.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  link = await proxy({ host: '127.0.0.1', port, url: `redis://127.0.0.1:${port}` } as Server)
})
afterAll(async () => {
  await link.close()
  listener.close()
})

const bytes = (): number => received.reduce((sum, chunk) => sum + chunk.length, 0)

async function open(): Promise<Socket> {
  const before = accepted.length
  received.length = 0
  ends.length = 0
  const socket = connect(link.port, link.host)
  socket.on('error', () => undefined)
  await until(() => accepted.length > before, { what: 'the connection at the other end' })
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
  await until(() => socket.destroyed && ends.length > 0, { what: 'both ends to be reset' })
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
  await until(isFull, { what: 'the link to be full' })
  await link.cut()
  await until(() => ends.length > 0 && link.connections === 0, { what: 'both ends to be reset' })
  expect(ends).toEqual(['ECONNRESET'])
  socket.destroy()
})

it('dropAfter passes exactly that many bytes, then cuts', async () => {
  const socket = await open()
  await link.dropAfter(12_345, 'in')
  socket.write(Buffer.alloc(100_000))
  // Node reports a reset that arrives together with bytes as an end.
  await until(() => socket.destroyed && ends.length > 0, { what: 'both ends to be cut' })
  expect(bytes()).toBe(12_345)
  await open()
})

it('a frozen direction holds back the end of a client, and the other direction does not', async () => {
  const socket = await open()
  await link.freeze('in')
  socket.end()
  accepted.at(-1)?.write('still there')
  await until(() => link.bytes.out > 0 && socket.readableLength > 0, { what: 'the answer' })
  expect(ends).toEqual([])
  await link.heal()
  await until(() => ends.includes('end'), { what: 'the end' })
  socket.destroy()
})

it('one half of a connection can end while the other continues', async () => {
  const socket = await open()
  socket.end('question')
  await until(() => ends.includes('end'), { what: 'the end of the question' })
  const before = link.bytes.out
  accepted.at(-1)?.end('answer')
  await until(() => link.bytes.out === before + 6, { what: 'the answer' })
  socket.destroy()
})

it('slow limits all connections together', async () => {
  const sockets = [await open(), await open()]
  await link.slow(20_000)
  const startedAt = Date.now()
  for (const socket of sockets) socket.write(Buffer.alloc(5_000))
  await until(() => bytes() === 10_000, { what: 'all of it' })
  expect(Date.now() - startedAt).toBeGreaterThan(400)
  await link.heal()
  for (const socket of sockets) socket.destroy()
})

it('close ends the connections and frees the port', async () => {
  const socket = await open()
  await link.close()
  await until(() => socket.destroyed, { what: 'the connection to be reset' })
  const refused = new Promise((resolve) =>
    connect(link.port, link.host).once('error', (error) => resolve(Reflect.get(error, 'code'))),
  )
  expect(await refused).toBe('ECONNREFUSED')
})
