import { createServer, type Server as NetServer } from 'node:net'
import { join } from 'node:path'
import type { KafkaServer } from '../kafka/index.js'
import { claim, release } from '../run/lock.js'
import { portsFolder, releasePorts, reservePorts } from '../run/ports.js'
import type { Server } from '../server.js'
import { environmentReason } from '../sources/choose.js'
import { portAt } from '../sources/ports.js'
import type { Direction } from './lane.js'
import { createLink } from './link.js'

/**
 * A link to a broker that can be disturbed. Faults add up until `heal`. Bytes are not parsed, so TLS passes too.
 *
 * The proxy works above TCP. During `freeze` the kernel still acknowledges what fits into its buffers, and a new connection
 * is accepted before it falls silent.
 */
export interface BrokerProxy {
  /** The server's URL with this proxy's address. */
  readonly url: string
  readonly host: string
  readonly port: number
  /** The addresses in the form of kafkajs. */
  readonly brokers: readonly string[]
  /** The number of connected clients. */
  readonly connections: number
  /** The bytes that have passed since the start. */
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
   * answer is lost.
   */
  dropAfter(bytes: number, direction?: Direction | 'both'): Promise<void>
  /** Ends every fault. Bytes that were held back arrive. */
  heal(): Promise<void>
  /** Resets the connections and ends the proxy. */
  close(): Promise<void>
}

const host = '127.0.0.1'

/** Starts a proxy in front of a broker. With Kafka, clients also use it for every later connection. */
export async function proxy(server: Server | KafkaServer): Promise<BrokerProxy> {
  const place = 'slots' in server ? kafkaPlace(server) : await ordinaryPlace(server)
  const link = createLink(place.target)
  let listening: NetServer | undefined
  let isClosed = false

  const listen = async (): Promise<void> => {
    if (isClosed) throw new Error('This proxy has been closed')
    if (listening !== undefined) return
    const next = createServer({ allowHalfOpen: true, noDelay: true }, (client) => link.join(client))
    await new Promise<void>((resolve, reject) => next.once('error', reject).listen(place.port, host, resolve))
    listening = next
  }
  const refuse = async (): Promise<void> => {
    listening?.close()
    listening = undefined
  }
  const lanesOf = (direction: Direction | 'both') =>
    direction === 'both' ? [link.lanes.in, link.lanes.out] : [link.lanes[direction]]

  try {
    await listen()
  } catch (error) {
    place.leave()
    throw error
  }
  return {
    url: Object.assign(new URL(server.url), { hostname: host, port: String(place.port) }).href,
    host,
    port: place.port,
    brokers: [`${host}:${place.port}`],
    get connections() {
      return link.connections
    },
    get bytes() {
      return { in: link.lanes.in.bytes, out: link.lanes.out.bytes }
    },
    cut: async () => link.cut(),
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
      link.allow({ bytes, direction })
    },
    async heal() {
      link.allow(undefined)
      for (const lane of lanesOf('both')) {
        lane.limit(undefined)
        lane.thaw()
      }
      await listen()
    },
    async close() {
      if (isClosed) return
      isClosed = true
      await refuse()
      link.cut()
      place.leave()
    },
  }
}

interface ProxyPlace {
  readonly port: number
  readonly target: { readonly host: string; readonly port: number }
  leave(): void
}

async function ordinaryPlace(server: Server): Promise<ProxyPlace> {
  const ports = await reservePorts(1)
  return {
    port: portAt(ports, 0),
    target: { host: server.host, port: server.port },
    leave: () => releasePorts(ports),
  }
}

/** Returns the first free listener that this Kafka advertises with a proxy's port. */
function kafkaPlace(server: KafkaServer): ProxyPlace {
  if (server.source === 'environment') {
    throw new Error(`proxy() needs a Kafka that advertises the proxy's address: ${environmentReason('kafka')}`)
  }
  for (const { target, advertised } of server.slots) {
    const file = join(portsFolder(), `${advertised}.proxy`)
    if (!claim(file)) continue
    return { port: advertised, target: { host: server.host, port: target }, leave: () => release(file) }
  }
  throw new Error(`All ${server.slots.length} proxies of this Kafka are in use; start it with kafka({ proxies: n })`)
}
