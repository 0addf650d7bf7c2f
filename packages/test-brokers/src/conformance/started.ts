import type { StartedBroker } from '@mq/core/conformance'
import { type BrokerProxy, proxy } from '../proxy/index.js'
import type { Server } from '../server.js'
import { type UntrustedDoor, untrustedDoor } from './untrusted.js'

/** A server as the conformance suite gets it: adapters, workers included, reach it through a link that can be hurt. */
export interface StartedServer<S extends Server = Server> extends StartedBroker {
  readonly server: S
  /** Undefined in front of a Kafka from the environment, which would lead its clients past it. */
  readonly link: BrokerProxy | undefined
  /** The server by TLS, with a certificate that nobody trusts. */
  readonly untrusted: UntrustedDoor
  readonly options: { readonly url: string }
}

const names = { rabbitmq: 'RabbitMQ', redis: 'Redis', kafka: 'Kafka' }

/** For `Subject.start`: `() => behindProxy(redis())`. Its `options` are the URL of the proxy. */
export async function behindProxy<S extends Server>(starting: S | Promise<S>): Promise<StartedServer<S>> {
  const server = await starting
  try {
    const link = server.kind === 'kafka' && server.source === 'environment' ? undefined : await proxy(server)
    const untrusted = await untrustedDoor(server)
    const broker = [names[server.kind], server.version].filter(Boolean).join(' ')
    return { server, link, untrusted, broker, options: { url: link?.url ?? server.url } }
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** For `Subject.stop`. */
export async function stopBehindProxy({ server, link, untrusted }: StartedServer): Promise<void> {
  await link?.close()
  await untrusted.close()
  await server.stop()
}
