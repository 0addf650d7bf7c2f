import type { JsonObject } from '@mq/core/conformance'
import { kafkaCluster } from '../kafka/cluster.js'
import type { KafkaServer } from '../kafka/index.js'
import type { ServerKind } from '../kinds.js'
import { type BrokerProxy, tcpProxy } from '../proxy.js'
import { rabbitCluster } from '../rabbitmq/cluster.js'
import type { RabbitServer } from '../rabbitmq/index.js'
import { redisCluster } from '../redis/cluster.js'
import type { RedisServer } from '../redis/index.js'
import { releasePorts, reservePorts } from '../run/ports.js'
import { refusedVerbs, type Server } from '../server.js'
import type { SharedServers } from '../shared.js'
import type { Beside } from '../sources/beside.js'
import { portAt } from '../sources/ports.js'
import { isCluster } from './options.js'
import { behindProxy, brokerName, type StartedServer } from './started.js'
import { untrustedDoor } from './untrusted.js'

/**
 * Starts what the suite runs on: the server, or with `MQ_TEST_CLUSTER=1` a cluster of three nodes in its place. The faults of the
 * link then hit the links to all nodes, and `kill` ends the node to which most connections lead.
 */
export async function suiteServer<K extends ServerKind>(
  kind: K,
  single: () => Promise<SharedServers[K]>,
): Promise<StartedServer<SharedServers[K]>> {
  const cluster = kind === 'postgres' || !isCluster() ? undefined : clusters[kind as Exclude<K, 'postgres'>]
  if (cluster === undefined) return await behindProxy(single())
  return (await cluster()) as StartedServer<SharedServers[K]>
}

type TcpProxy = Awaited<ReturnType<typeof tcpProxy>>

interface Node {
  readonly link: TcpProxy
  /** Undefined for a node that cannot be killed by itself. */
  readonly process: Beside | undefined
}

interface Parts<S extends Server> {
  readonly nodes: readonly Node[]
  /** Resolves once every node has joined again. */
  readonly whole: () => Promise<void>
  readonly server: Omit<S, 'kill' | 'restart' | 'pause' | 'resume'>
  readonly options: { readonly url: string } & JsonObject
  /** Returns options that lead to this address alone, in addition to a URL. */
  readonly onlyAt: (host: string, port: number) => JsonObject
}

async function started<S extends Server>({ nodes, whole, server, ...parts }: Parts<S>): Promise<StartedServer<S>> {
  let dead: Beside | undefined
  const verbs = {
    ...refusedVerbs('a cluster has several; only one of its nodes can be killed and restarted'),
    async kill() {
      const connections = (node: Node): number => node.link.connections
      const candidates = nodes.filter(({ process }) => process !== undefined)
      dead = candidates.reduce((max, node) => (connections(node) > connections(max) ? node : max)).process
      await dead?.kill()
    },
    async restart() {
      await dead?.start()
      dead = undefined
      await whole()
    },
    stop: server.stop,
  }
  const both = { ...server, ...verbs } as unknown as S
  return {
    server: both,
    link: together(nodes.map(({ link }) => link)),
    untrusted: await untrustedDoor(both),
    broker: brokerName(both),
    ...parts,
  }
}

/** Makes one proxy out of several, so that each fault hits all links. */
function together(links: readonly TcpProxy[]): BrokerProxy {
  const all = (work: (link: TcpProxy) => Promise<void>) => async (): Promise<void> =>
    void (await Promise.all(links.map(work)))
  const [first] = links as [TcpProxy, ...TcpProxy[]]
  const sum = (figure: (link: TcpProxy) => number): number => links.reduce((total, link) => total + figure(link), 0)
  return {
    url: first.url,
    host: first.host,
    port: first.port,
    brokers: links.map(({ host, port }) => `${host}:${port}`),
    get connections() {
      return sum((link) => link.connections)
    },
    get bytes() {
      return { in: sum(({ bytes }) => bytes.in), out: sum(({ bytes }) => bytes.out) }
    },
    cut: all((link) => link.cut()),
    refuse: all((link) => link.refuse()),
    freeze: (direction) => all((link) => link.freeze(direction))(),
    slow: (bytesPerSecond) => all((link) => link.slow(bytesPerSecond))(),
    dropAfter: (bytes, direction) => all((link) => link.dropAfter(bytes, direction))(),
    heal: all((link) => link.heal()),
    async another() {
      throw new Error('A cluster has no other way: its nodes announce the addresses of these proxies')
    },
    close: all((link) => link.close()),
  }
}

const at = (host: string, port: number): string => `${host}:${port}`

const clusters = {
  async rabbitmq() {
    const { nodes, whole, source, version, stop } = await rabbitCluster()
    const links = await Promise.all(nodes.map(({ url }) => tcpProxy(url)))
    const [first] = nodes as [(typeof nodes)[0], ...typeof nodes]
    const [link, ...others] = links as [TcpProxy, ...TcpProxy[]]
    const { hostname: host, port, username, password } = new URL(first.url)
    return await started<RabbitServer>({
      nodes: nodes.map((process, index) => ({ process, link: links[index] as TcpProxy })),
      whole,
      server: {
        kind: 'rabbitmq',
        ...{ source, url: first.url, host, port: Number(port), username, password, vhost: '/', stop },
        ...(version !== undefined && { version }),
        rabbitmqctl: first.rabbitmqctl,
        // The nodes that stay know each declaration.
        flush: async () => undefined,
        // One node with an alarm blocks the publishers of all.
        async alarm(isRaised) {
          await first.rabbitmqctl('set_vm_memory_high_watermark', isRaised ? '0.0000001' : '0.4')
        },
      },
      options: { url: link.url, hosts: others.map((one) => at(one.host, one.port)) },
      onlyAt: () => ({ hosts: [] }),
    })
  },

  async redis() {
    const { nodes, killable, whole, announce, ...cluster } = await redisCluster()
    const ports = await reservePorts(nodes.length)
    const links = await Promise.all(
      nodes.map(({ host, port }, index) => tcpProxy(`redis://${at(host, port)}`, { port: portAt(ports, index) })),
    )
    await announce(links.map(({ port }) => port))
    const announced = links.map(({ host, port }) => ({ host, port }))
    return await started<RedisServer>({
      nodes: links.map((link, index) => ({ link, process: killable[index] })),
      whole,
      server: {
        ...cluster,
        kind: 'redis',
        nodes,
        announced,
        async stop() {
          await cluster.stop()
          releasePorts(ports)
        },
      },
      options: { url: links[0]?.url ?? cluster.url, cluster: announced },
      onlyAt: (host, port) => ({ cluster: [{ host, port }] }),
    })
  },

  async kafka() {
    const { nodes, whole, source, version, stop } = await kafkaCluster({
      brokers: 3,
      config: {
        'default.replication.factor': '3',
        'offsets.topic.replication.factor': '3',
        'min.insync.replicas': '2',
        'group.min.session.timeout.ms': '1000',
        'log.index.size.max.bytes': '65536',
      },
    })
    const links = await Promise.all(
      nodes.map(({ slot }) => tcpProxy(`kafka://127.0.0.1:${slot.target}`, { port: slot.advertised })),
    )
    const [host = '', port = ''] = nodes[0]?.address.split(':') ?? []
    return await started<KafkaServer>({
      nodes: nodes.map((process, index) => ({ process, link: links[index] as TcpProxy })),
      whole,
      server: {
        kind: 'kafka',
        ...{ source, version, url: `kafka://${at(host, Number(port))}`, host, port: Number(port), stop, slots: [] },
        brokers: nodes.map(({ address }) => address),
      },
      options: { url: `kafka://${links.map((one) => at(one.host, one.port)).join(',')}` },
      onlyAt: () => ({}),
    })
  },
} satisfies { [K in Exclude<ServerKind, 'postgres'>]: () => Promise<StartedServer<SharedServers[K]>> }
