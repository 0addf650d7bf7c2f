import type { Faults } from '@mq/core/conformance'
import { brokers, type ServerKind } from '../kinds.js'
import type { PostgresServer } from '../postgres/index.js'
import { type BrokerProxy, proxyFaults } from '../proxy.js'
import type { RabbitServer } from '../rabbitmq/index.js'
import type { Server } from '../server.js'
import type { SharedServers } from '../shared.js'
import { isCluster } from './options.js'
import type { StartedServer } from './started.js'

export type ServerFaults<K extends ServerKind> = Faults<StartedServer<SharedServers[K]>>

/**
 * Returns the faults for a server that `behindProxy` has started. The adapter's test adds `leftovers`, `destroy` and `publishForeign`, which
 * need the adapter's names at the broker, `foreignPlaces` and `writeForeign`, and with Kafka `untrusted`.
 *
 * `wrongCredentials` needs a server with a password. A server from the environment has no faults of its process, and with Kafka
 * none of its link. Their cases are not run then.
 */
export function faultsOf<K extends ServerKind>(kind: K): ServerFaults<K> {
  const isOwned = brokers.owned(kind)
  return {
    ...(isOwned && processFaults),
    ...(isOwned && kind === 'rabbitmq' && rabbitFaults),
    ...(isOwned && kind === 'postgres' && postgresFaults),
    ...((isOwned || kind !== 'kafka') && (isCluster() ? linksOfCluster : linkFaults)),
    // A PostgreSQL from the environment may be without TLS, which nothing in front of it can add.
    ...(kind !== 'kafka' && (isOwned || kind !== 'postgres') && { untrusted }),
    unreachable: ({ server, onlyAt }) => ({
      options: { url: urlWith(server.url, { port: closedPort }), ...onlyAt?.(server.host, Number(closedPort)) },
      secret: canary,
    }),
    // Only RabbitMQ's clusters ask for a password.
    ...((!isCluster() || kind === 'rabbitmq') && { wrongCredentials }),
  }
}

function untrusted({ untrusted: { url }, onlyAt }: StartedServer) {
  const { hostname, port } = new URL(url)
  return { options: { url, ...onlyAt?.(hostname, Number(port)) } }
}

function wrongCredentials({ server, options }: StartedServer) {
  if (new URL(server.url).password === '') {
    throw new Error(`This ${server.kind} asks for no password, so none can be wrong: start it with one`)
  }
  return { options: { url: urlWith(options.url, {}) }, secret: canary }
}

const canary = 'canary-7f3a!'
/** The port of tcpmux, which is never in use. */
const closedPort = '1'

function urlWith(text: string, parts: { readonly port?: string }): string {
  const url = Object.assign(new URL(text), parts)
  // Without a user name, AMQP and Kafka would ignore the password.
  if (url.username === '' && url.protocol !== 'redis:') url.username = 'somebody'
  url.password = encodeURIComponent(canary)
  return url.href
}

const processFaults: Faults<StartedServer> = {
  kill: ({ server }) => server.kill(),
  restart: ({ server }) => server.restart(),
}

const linkFaults: Faults<StartedServer> = { ...proxyFaults(linkOf), heal }
/** The nodes announce the addresses of their proxies, so there is no other way to them. */
const { link: _, ...linksOfCluster } = linkFaults

/** The servers that take no messages. Ending that takes a while, which most cases do not need. */
const blocked = new WeakSet<Server>()

const rabbitFaults: Faults<StartedServer> = {
  async kill(started) {
    const rabbit = rabbitOf(started)
    // A SIGKILL may also undo a declaration of the last two seconds, which is not the fault to test. See flush().
    await rabbit.flush()
    await rabbit.kill()
  },
  async block(started) {
    const rabbit = rabbitOf(started)
    blocked.add(rabbit)
    await rabbit.alarm(true)
  },
}

const postgresFaults: Faults<StartedServer> = {
  async block({ server }) {
    blocked.add(server)
    await (server as PostgresServer).readOnly(true)
  },
}

const rabbitOf = ({ server }: StartedServer): RabbitServer => server as RabbitServer

async function heal({ server, link }: StartedServer): Promise<void> {
  await link?.heal()
  if (!blocked.delete(server)) return
  if (server.kind === 'rabbitmq') await (server as RabbitServer).alarm(false)
  if (server.kind === 'postgres') await (server as PostgresServer).readOnly(false)
}

function linkOf({ link, server }: StartedServer): BrokerProxy {
  if (link === undefined) throw new Error(`No proxy can stand in front of the ${server.kind} from the environment`)
  return link
}
