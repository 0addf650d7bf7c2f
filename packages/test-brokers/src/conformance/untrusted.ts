import { tcpProxy } from '../proxy.js'
import { releasePorts, reservePorts } from '../run/ports.js'
import type { Server } from '../server.js'
import { portAt } from '../sources/ports.js'
import { certificates } from '../tls.js'

/** A TLS endpoint of the server that only a client without certificate checks can use. */
export interface UntrustedDoor {
  /**
   * The server's URL with this address, as `amqps:`, `rediss:` or `kafka:`, which has no other scheme for TLS. PostgreSQL itself speaks
   * TLS, at the same address.
   */
  readonly url: string
  close(): Promise<void>
}

const secure: Readonly<Record<string, string>> = { 'amqp:': 'amqps:', 'redis:': 'rediss:' }

export async function untrustedDoor(server: Server): Promise<UntrustedDoor> {
  if (server.kind === 'postgres') return { url: urlWithTls(server.url), close: async () => undefined }
  const ports = await reservePorts(1)
  const door = await tcpProxy(server.url, { port: portAt(ports, 0), tls: certificates([]) })
  return {
    url: door.url.replace(/^\w+:/, (scheme) => secure[scheme] ?? scheme),
    async close() {
      await door.close()
      releasePorts(ports)
    },
  }
}

function urlWithTls(text: string): string {
  const url = new URL(text)
  url.searchParams.set('sslmode', 'require')
  return url.href
}
