import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { NodeAddress } from '@mq/redis'
import { onTestFinished } from 'vitest'

export interface Listening extends NodeAddress {
  /** The sockets that are open now. */
  readonly sockets: ReadonlySet<Socket>
}

/** Starts a TCP server. One that does nothing with its sockets accepts and never answers. */
export async function listen(accept: (socket: Socket) => void = () => {}): Promise<Listening> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    accept(socket.resume())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, sockets }
}

/** Starts as much of a Sentinel as a client needs: it answers where the master is. */
export const sentinelOf = (master: NodeAddress): Promise<Listening> =>
  listen((socket) => {
    const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`
    const address = `*2\r\n${bulk(master.host)}${bulk(String(master.port))}`
    socket.on('data', (data) => {
      for (const [, name, word] of data.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n\$\d+\r\n([\w-]+)\r\n/g)) {
        if (name?.toLowerCase() !== 'sentinel') socket.write('+OK\r\n')
        else socket.write(word === 'get-master-addr-by-name' ? address : '*0\r\n')
      }
    })
  })
