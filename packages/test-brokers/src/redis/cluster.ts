import { type ProcessId, self } from '../run/process.js'
import type { Server } from '../server.js'
import { type Beside, beside } from '../sources/beside.js'
import { onFreePorts, portAt } from '../sources/ports.js'
import { answer } from './index.js'
import { redisPath } from './programs.js'
import { pong, startSeveral, untilPrinted } from './several.js'

/** A Redis Cluster. Its verbs act on all nodes; `url` is that of the first. */
export interface RedisCluster extends Omit<Server, 'kind' | 'ca'> {
  readonly nodes: readonly Address[]
  /** The first master, which has the first third of the slots, alone. */
  readonly first: Beside
  /** All nodes but the last, whose process is that of the cluster. Each can be killed by itself. */
  readonly killable: readonly Beside[]
  /** Makes the nodes announce other ports to clients, those of proxies. */
  announce(ports: readonly number[]): Promise<void>
  /** Resolves once every node calls the cluster whole. */
  whole(): Promise<void>
}

export interface Address {
  readonly host: string
  readonly port: number
}

const masters = 3

/** Starts three masters that share the slots, each with `replicas` replicas. Never uses the environment. */
export async function redisCluster(
  { replicas = 0 }: { readonly replicas?: number } = {},
  owner: ProcessId = self,
): Promise<RedisCluster> {
  const size = masters * (1 + replicas)
  return await onFreePorts(2 * size, owner, async (ports) => {
    const processes = Array.from({ length: size }, (_, index) => ({
      name: `node-${index}`,
      port: portAt(ports, index),
      config: [
        'cluster-enabled yes',
        'cluster-config-file nodes.conf',
        'cluster-node-timeout 2000',
        // The default, port + 10000, is not reserved.
        `cluster-port ${portAt(ports, size + index)}`,
        'cluster-announce-ip 127.0.0.1',
      ],
    }))
    const { machine, verbs } = await startSeveral('redis-cluster', { processes, ports, owner })
    const { host, source } = machine.place
    const cli = `${redisPath(source)}redis-cli`
    const clients = processes.map(({ port }) => `127.0.0.1:${port}`)
    const first = portAt(ports, 0)
    const whole = async (): Promise<void> => {
      for (const { port } of processes) {
        await untilPrinted(machine, `redis-cli -p ${port} cluster info`, /cluster_state:ok/)
      }
    }
    const killable = processes.slice(0, -1).map(({ name, port }) => beside(machine, name, () => pong(host, port)))
    const found = await answer({ host, port: first })
    try {
      await machine.run(
        `${cli} --cluster create ${clients.join(' ')} --cluster-replicas ${replicas} --cluster-yes`,
        60_000,
      )
      await whole()
      for (const { port } of processes.slice(masters)) {
        await untilPrinted(machine, `redis-cli -p ${port} info replication`, /master_link_status:up/)
      }
    } catch (error) {
      await verbs.stop()
      throw error
    }
    return {
      source,
      url: `redis://${host}:${first}`,
      host,
      port: first,
      nodes: processes.map(({ port }) => ({ host, port })),
      ...found,
      ...verbs,
      first: killable[0] as Beside,
      killable,
      whole,
      async restart(options) {
        await verbs.restart(options)
        await whole()
      },
      async announce(announced) {
        for (const [index, { port }] of processes.entries()) {
          await machine.run(`${cli} -p ${port} config set cluster-announce-port ${announced[index]}`, 10_000)
          await machine.run(`${cli} -p ${port} config rewrite`, 10_000)
        }
        for (const { port } of processes) {
          for (const shown of announced) {
            await untilPrinted(machine, `redis-cli -p ${port} cluster slots`, new RegExp(`\\b${shown}\\b`))
          }
        }
      },
    }
  })
}
