import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../../src/conformance/kit/wait.js'
import { proxyFaults } from '../../../src/conformance/proxy/faults.js'
import { proxy, type TcpProxy } from '../../../src/conformance/proxy/proxy.js'

/** A broker that answers each piece with the same bytes. */
let echo: Server
let asked = 0
let link: TcpProxy
const sockets: Socket[] = []

const faults = proxyFaults((started: { readonly front: TcpProxy }) => started.front)
const started = () => ({ front: link })

beforeAll(async () => {
  echo = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      asked += 1
      socket.write(bytes)
    })
  })
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
  const address = echo.address()
  link = await proxy(`tcp://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`)
})
afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  await link.close()
  echo.close()
})

async function open(at: string): Promise<{ readonly socket: Socket; ask(text: string): void; answers(): string }> {
  const { hostname, port } = new URL(at)
  const socket = connect(Number(port), hostname)
  sockets.push(socket)
  let heard = ''
  socket.on('error', () => undefined)
  socket.on('data', (bytes) => {
    heard += String(bytes)
  })
  const client = { socket, ask: (text: string) => void socket.write(text), answers: () => heard }
  client.ask('hello')
  await until('the first answer', () => client.answers() === 'hello')
  return client
}

describe('the faults of a proxy', () => {
  it('are those of the link, and connections counts its clients', async () => {
    expect(Object.keys(faults).sort()).toEqual(
      ['connections', 'cut', 'dropAnswer', 'freeze', 'heal', 'link', 'refuse', 'slow'].sort(),
    )
    const before = await faults.connections(started())
    const client = await open(link.url)
    expect(await faults.connections(started())).toBe(before + 1)
    await faults.cut(started())
    await until('the client to be cut', () => client.socket.destroyed)
    await until('no client to be left', async () => (await faults.connections(started())) === 0)
  })

  it('freeze and slow hold back what passes until heal, and refuse what connects', async () => {
    const client = await open(link.url)
    await faults.freeze(started(), 'out')
    const before = asked
    client.ask(' frozen')
    await until('the broker to be asked', () => asked === before + 1)
    expect(client.answers()).toBe('hello')
    await faults.refuse(started())
    const refused = new Promise((resolve) =>
      connect(link.port, link.host).once('error', (error) => resolve(Reflect.get(error, 'code'))),
    )
    expect(await refused).toBe('ECONNREFUSED')
    await faults.heal(started())
    await until('the answer', () => client.answers() === 'hello frozen')
    await faults.slow(started(), 1)
    client.ask(' slow')
    expect(client.answers()).toBe('hello frozen')
    await faults.heal(started())
    await until('the slow answer', () => client.answers() === 'hello frozen slow')
    client.socket.destroy()
  })

  it('dropAnswer lets the request through once, and loses its answer with the connection', async () => {
    const client = await open(link.url)
    const before = asked
    await faults.dropAnswer(started())
    client.ask(' lost')
    await until('the connection to be lost', () => client.socket.destroyed)
    expect({ asked: asked - before, answers: client.answers() }).toEqual({ asked: 1, answers: 'hello' })
    ;(await open(link.url)).socket.destroy()
  })

  it('link is another way to the same broker: what disturbs it, and ends it, does not concern the first', async () => {
    const first = await open(link.url)
    const other = await faults.link(started())
    const second = await open(String(other.options.url))
    await other.freeze('both')
    second.ask(' held')
    first.ask(' free')
    await until('the first to be answered', () => first.answers() === 'hello free')
    expect(second.answers()).toBe('hello')
    await faults.heal(started())
    expect(second.answers()).toBe('hello')
    await other.heal()
    await until('the second to be answered', () => second.answers() === 'hello held')
    await other.cut()
    await until('the second to be cut', () => second.socket.destroyed)
    const third = await open(String(other.options.url))
    await other.close()
    await until('the third to be reset', () => third.socket.destroyed)
    first.ask(' still')
    await until('the first to be answered again', () => first.answers() === 'hello free still')
  })

  it('link has the options that the adapter needs to use it', async () => {
    const named = proxyFaults(() => link, { optionsOf: ({ host, port }) => ({ host, port, tls: false }) })
    const other = await named.link(undefined)
    expect(other.options).toEqual({ host: '127.0.0.1', port: expect.any(Number), tls: false })
    expect(other.options.port).not.toBe(link.port)
    await other.close()
  })
})
