import { type ProcessId, self } from '../run/process.js'
import { onFreePorts, portAt } from '../sources/ports.js'
import { startSeveral, untilPrinted } from './several.js'

/** A master and its replica, watched by one Sentinel. */
export interface RedisSentinel {
  /** The Sentinel's name of the master. */
  readonly name: string
  readonly sentinel: { readonly host: string; readonly port: number }
  /** Makes the replica the master. Resolves once the Sentinel reports that. */
  failover(): Promise<void>
  stop(): Promise<void>
}

const name = 'mymaster'

/** Starts the servers in this process, never from the environment. */
export async function redisSentinel(owner: ProcessId = self): Promise<RedisSentinel> {
  return await onFreePorts(3, owner, async (ports) => {
    const [first, second, watcher] = [portAt(ports, 0), portAt(ports, 1), portAt(ports, 2)]
    const { machine, verbs } = await startSeveral('redis-sentinel', {
      owner,
      ports,
      processes: [
        { name: 'first', port: first, config: [] },
        { name: 'second', port: second, config: [`replicaof 127.0.0.1 ${first}`] },
        {
          name: 'sentinel',
          port: watcher,
          isSentinel: true,
          config: [`sentinel monitor ${name} 127.0.0.1 ${first} 1`, `sentinel down-after-milliseconds ${name} 1000`],
        },
      ],
    })
    const cli = `redis-cli -p ${watcher} sentinel`
    try {
      await untilPrinted(machine, `redis-cli -p ${second} info replication`, /master_link_status:up/)
      // The Sentinel refuses a failover until it knows the replica.
      await untilPrinted(machine, `${cli} replicas ${name}`, new RegExp(`\\b${second}\\b`))
    } catch (error) {
      await verbs.stop()
      throw error
    }
    let master = first
    return {
      name,
      sentinel: { host: machine.place.host, port: watcher },
      async failover() {
        master = master === first ? second : first
        await untilPrinted(machine, `${cli} failover ${name}`, /OK|INPROG/)
        await untilPrinted(machine, `${cli} get-master-addr-by-name ${name}`, new RegExp(`\\b${master}\\b`))
      },
      stop: verbs.stop,
    }
  })
}
