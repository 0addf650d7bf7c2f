import { randomInt } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Direction } from './lane.js'
import { createRoute } from './route.js'

/**
 * A way to a broker that can be disturbed. Faults add up until `heal`. Bytes are not parsed, so TLS passes too.
 *
 * The proxy works above TCP. During `freeze` the kernel still acknowledges what fits into its buffers, and a new connection
 * is accepted before it falls silent.
 */
export interface TcpProxy {
  /** The broker's URL with this proxy's address. */
  readonly url: string
  readonly host: string
  readonly port: number
  /** The number of connected clients. */
  readonly connections: number
  /** The bytes that have passed since the start, to the broker (`in`) and from it (`out`). */
  readonly bytes: Readonly<Record<Direction, number>>
  /** Resets every connection. New connections pass. */
  cut(): Promise<void>
  /** Refuses new connections, like a closed port. Open connections stay. */
  refuse(): Promise<void>
  /** Holds back everything, including the end of connections, to the broker (`in`), from it (`out`), or both. */
  freeze(direction: Direction | 'both'): Promise<void>
  /** Limits the bytes per second in each direction, over all connections together. */
  slow(bytesPerSecond: number): Promise<void>
  /**
   * Lets that many more bytes pass, then cuts once at the next byte. With `(0, 'out')` the broker gets the next request and its
   * answer is lost. Default of `direction`: `'both'`.
   */
  dropAfter(bytes: number, direction?: Direction | 'both'): Promise<void>
  /** Ends every fault. Bytes that were held back arrive. */
  heal(): Promise<void>
  /** Resets the connections and ends the proxy. */
  close(): Promise<void>
  /** Starts another proxy in front of the same broker, on a port of its own. Faults of one do not concern the other. */
  another(): Promise<TcpProxy>
}

export interface ProxyOptions {
  /** The port to listen on. Default: a free one. */
  readonly port?: number
  /**
   * A certificate and its key as PEM. Clients then use TLS up to the proxy, which sends the broker what TLS hides. A
   * certificate that nobody trusts serves for `Faults.untrusted`. Default: none.
   */
  readonly tls?: { readonly cert: string; readonly key: string }
}

const host = '127.0.0.1'

/**
 * Starts a proxy on this machine in front of the broker at `url`, whose port has to be stated: `amqp://127.0.0.1:5672`. Any
 * scheme will do, because only the address is used. Return the proxy's URL from `Subject.start`, so that the suite's adapters
 * and processes pass through it.
 */
export async function proxy(url: string, { port, tls }: ProxyOptions = {}): Promise<TcpProxy> {
  const route = createRoute(addressOf(url))
  const accept = (socket: Socket): void => {
    const stream = tls ? new TLSSocket(socket, { ...tls, isServer: true }) : socket
    route.join({ socket, stream })
  }
  let isClosed = false
  let server: Server | undefined = port === undefined ? await listenSomewhere(accept) : await listen(port, accept)
  const own = portOf(server)

  const refuse = async (): Promise<void> => {
    server?.close()
    server = undefined
  }
  const lanesOf = (direction: Direction | 'both') =>
    direction === 'both' ? [route.lanes.in, route.lanes.out] : [route.lanes[direction]]

  return {
    url: Object.assign(new URL(url), { hostname: host, port: String(own) }).href,
    host,
    port: own,
    get connections() {
      return route.connections
    },
    get bytes() {
      return { in: route.lanes.in.bytes, out: route.lanes.out.bytes }
    },
    cut: async () => route.cut(),
    refuse,
    async freeze(direction) {
      for (const lane of lanesOf(direction)) lane.freeze()
    },
    async slow(bytesPerSecond) {
      if (!(bytesPerSecond > 0)) throw new TypeError(`slow(${bytesPerSecond}): not a number of bytes per second`)
      for (const lane of lanesOf('both')) lane.limit(bytesPerSecond)
    },
    async dropAfter(bytes, direction = 'both') {
      if (!(bytes >= 0)) throw new TypeError(`dropAfter(${bytes}): not a number of bytes`)
      route.allow({ bytes, direction })
    },
    async heal() {
      if (isClosed) throw new Error('This proxy has been closed')
      route.allow(undefined)
      for (const lane of lanesOf('both')) {
        lane.limit(undefined)
        lane.thaw()
      }
      server ??= await listen(own, accept)
    },
    async close() {
      isClosed = true
      await refuse()
      route.cut()
    },
    another: () => proxy(url, { ...(tls && { tls }) }),
  }
}

/** Throws a `TypeError` that does not show the URL, because it may contain a password. */
function addressOf(url: string): { readonly host: string; readonly port: number } {
  if (!URL.canParse(url)) throw new TypeError('proxy(url): not a URL')
  const { hostname, port } = new URL(url)
  if (hostname === '' || port === '') throw new TypeError('proxy(url): the URL needs a host and a port')
  // Sockets take an IPv6 address without its brackets.
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) }
}

async function listen(port: number, accept: (client: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, accept)
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve))
  return server
}

/**
 * Listens on a free port below the ranges from which systems take the ports of outgoing connections. No such connection takes
 * the port while the proxy refuses.
 */
async function listenSomewhere(accept: (client: Socket) => void): Promise<Server> {
  for (let triesLeft = 100; ; triesLeft -= 1) {
    try {
      return await listen(randomInt(15_000, 30_000), accept)
    } catch (error) {
      if (triesLeft === 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    }
  }
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port')
  return address.port
}
