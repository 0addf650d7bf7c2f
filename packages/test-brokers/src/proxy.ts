import { join } from 'node:path'
// By path: the entry of the package would load the whole suite for every test file that needs a broker.
import { proxyFaults } from '../../core/src/conformance/proxy/faults.js'
import { type TcpProxy, proxy as tcpProxy } from '../../core/src/conformance/proxy/proxy.js'
import type { KafkaServer } from './kafka/index.js'
import { claim, release } from './run/lock.js'
import { portsFolder, releasePorts, reservePorts } from './run/ports.js'
import type { Server } from './server.js'
import { environmentReason } from './sources/choose.js'
import { portAt } from './sources/ports.js'

export { proxyFaults, tcpProxy }

/** A proxy in front of a broker of this package. */
export interface BrokerProxy extends TcpProxy {
  /** The addresses in the form of kafkajs. */
  readonly brokers: readonly string[]
  another(): Promise<BrokerProxy>
}

/** Starts a proxy in front of a broker. With Kafka, clients also use it for every later connection. */
export async function proxy(server: Server | KafkaServer): Promise<BrokerProxy> {
  const place = 'slots' in server ? kafkaPlace(server) : await ordinaryPlace(server)
  try {
    const target = Object.assign(new URL(server.url), { hostname: server.host, port: String(place.target) })
    const link = await tcpProxy(target.href, { port: place.port })
    return Object.assign(link, {
      brokers: [`${link.host}:${link.port}`],
      close: closing(link.close, place.leave),
      another: () => proxy(server),
    })
  } catch (error) {
    place.leave()
    throw error
  }
}

/** Returns a function that closes, and leaves the place the first time. */
function closing(close: () => Promise<void>, leave: () => void): () => Promise<void> {
  let isClosed = false
  return async () => {
    await close()
    if (!isClosed) leave()
    isClosed = true
  }
}

interface ProxyPlace {
  readonly port: number
  /** The broker's port behind the proxy. */
  readonly target: number
  leave(): void
}

async function ordinaryPlace(server: Server): Promise<ProxyPlace> {
  const ports = await reservePorts(1)
  return { port: portAt(ports, 0), target: server.port, leave: () => releasePorts(ports) }
}

/** Returns the first free listener that this Kafka advertises with a proxy's port. */
function kafkaPlace(server: KafkaServer): ProxyPlace {
  if (server.source === 'environment') {
    throw new Error(`proxy() needs a Kafka that advertises the proxy's address: ${environmentReason('kafka')}`)
  }
  for (const { target, advertised } of server.slots) {
    const file = join(portsFolder(), `${advertised}.proxy`)
    if (!claim(file)) continue
    return { port: advertised, target, leave: () => release(file) }
  }
  throw new Error(`All ${server.slots.length} proxies of this Kafka are in use; start it with kafka({ proxies: n })`)
}
