import type { JsonObject, StartedBroker } from '@mq/core/conformance'
import { type BrokerProxy, proxy } from '../proxy.js'
import type { Server } from '../server.js'
import { type UntrustedDoor, untrustedDoor } from './untrusted.js'

/** A server for the conformance suite. Adapters and workers reach it through a link that can be disturbed. */
export interface StartedServer<S extends Server = Server> extends StartedBroker {
  readonly server: S
  /** The proxy. Undefined for a Kafka from the environment, whose clients would bypass it. */
  readonly link: BrokerProxy | undefined
  /** The server over TLS with an untrusted certificate. */
  readonly untrusted: UntrustedDoor
  readonly options: { readonly url: string }
  /** With a cluster: returns options that lead to this address alone, in addition to a URL. */
  readonly onlyAt?: (host: string, port: number) => JsonObject
}

const names = { rabbitmq: 'RabbitMQ', redis: 'Redis', kafka: 'Kafka', postgres: 'PostgreSQL' }

/** Returns the name of the server for reports, such as `Redis 8.0.2`. */
export const brokerName = ({ kind, product = names[kind], version }: Server): string =>
  [product, version].filter(Boolean).join(' ')

/**
 * Starts a proxy in front of a server, for `Subject.start`: `() => behindProxy(redis())`. Its `options` have the
 * proxy's URL.
 */
export async function behindProxy<S extends Server>(starting: S | Promise<S>): Promise<StartedServer<S>> {
  const server = await starting
  try {
    const link = server.kind === 'kafka' && server.source === 'environment' ? undefined : await proxy(server)
    const untrusted = await untrustedDoor(server)
    return { server, link, untrusted, broker: brokerName(server), options: { url: link?.url ?? server.url } }
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** Ends proxy and server, for `Subject.stop`. */
export async function stopBehindProxy({ server, link, untrusted }: StartedServer): Promise<void> {
  await link?.close()
  await untrusted.close()
  await server.stop()
}
