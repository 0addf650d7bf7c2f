import { type ProcessId, self } from '../run/process.js'
import type { Server } from '../server.js'
import { type Beside, beside } from '../sources/beside.js'
import { onFreePorts, portAt } from '../sources/ports.js'
import { redisPath } from './programs.js'
import { pong, startSeveral, untilPrinted } from './several.js'

/** A Redis Cluster. Its verbs act on all nodes; `url` is that of the first. */
export interface RedisCluster extends Omit<Server, 'kind' | 'version' | 'ca'> {
  readonly nodes: readonly { readonly host: string; readonly port: number }[]
  /** The first master, which has the first third of the slots, alone. */
  readonly first: Beside
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
    const clients = processes.map(({ port }) => `127.0.0.1:${port}`)
    const first = portAt(ports, 0)
    try {
      await machine.run(
        `${redisPath(machine.place.source)}redis-cli --cluster create ${clients.join(' ')} --cluster-replicas ${replicas} --cluster-yes`,
        60_000,
      )
      for (const { port } of processes) {
        await untilPrinted(machine, `redis-cli -p ${port} cluster info`, /cluster_state:ok/)
      }
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
      ...verbs,
      first: beside(machine, 'node-0', () => pong(host, first)),
      async restart(options) {
        await verbs.restart(options)
        for (const { port } of processes) {
          await untilPrinted(machine, `redis-cli -p ${port} cluster info`, /cluster_state:ok/)
        }
      },
    }
  })
}
