import { connect, type Socket } from 'node:net'
import { createServer } from 'node:tls'
import { releasePorts, reservePorts } from '../run/ports.js'
import type { Server } from '../server.js'
import { portAt } from '../sources/ports.js'
import { certificates } from '../tls.js'

/** A TLS endpoint of the server that only a client without certificate checks can use. */
export interface UntrustedDoor {
  /** The server's URL with this address, as `amqps:`, `rediss:` or `kafka:`, which has no other scheme for TLS. */
  readonly url: string
  close(): Promise<void>
}

const secure: Readonly<Record<string, string>> = { 'amqp:': 'amqps:', 'redis:': 'rediss:' }

export async function untrustedDoor(server: Server): Promise<UntrustedDoor> {
  const ports = await reservePorts(1)
  const port = portAt(ports, 0)
  const { cert, key } = certificates([])
  const sockets = new Set<Socket>()
  const door = createServer({ cert, key }, (client) => {
    const broker = connect(server.port, server.host)
    for (const socket of [client, broker]) {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      socket.on('error', () => undefined)
    }
    client.pipe(broker).pipe(client)
  })
  await new Promise<void>((resolve, reject) => door.once('error', reject).listen(port, '127.0.0.1', resolve))
  const address = new URL(server.url.replace(/^\w+:/, (scheme) => secure[scheme] ?? scheme))
  return {
    url: Object.assign(address, { hostname: '127.0.0.1', port: String(port) }).href,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => door.close(() => resolve()))
      releasePorts(ports)
    },
  }
}
