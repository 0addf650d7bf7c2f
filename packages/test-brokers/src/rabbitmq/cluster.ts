import { randomBytes } from 'node:crypto'
import { type ProcessId, self } from '../run/process.js'
import { quote } from '../run/quote.js'
import { until } from '../run/wait.js'
import { type Beside, beside, recordScript, startBeside } from '../sources/beside.js'
import { chooseSource } from '../sources/choose.js'
import type { Machine, Place, Recipe, Source } from '../sources/machine.js'
import { onFreePorts, portAt } from '../sources/ports.js'
import { runRecipe } from '../sources/run.js'
import { answer, guest } from './index.js'
import { nativeRabbit, rabbitPrograms } from './programs.js'
import {
  configuration,
  definitions,
  environment,
  type RabbitPorts,
  type RabbitPrograms,
  rabbitImage,
} from './recipe.js'

/** Nodes that share users and queues. Quorum queues survive as long as most of the nodes do. */
export interface RabbitCluster {
  readonly source: Source
  readonly version?: string
  readonly nodes: readonly RabbitNode[]
  /** Resolves once all nodes run and know each other. */
  whole(): Promise<void>
  stop(): Promise<void>
}

export interface RabbitNode extends Beside {
  /** The URL with the login. */
  readonly url: string
  /** The host with its port. */
  readonly host: string
  /** Runs rabbitmqctl on the node and resolves with its output. */
  rabbitmqctl(...args: readonly string[]): Promise<string>
}

interface Member {
  readonly name: string
  readonly ports: RabbitPorts
}

const size = 3
const joinMs = 60_000

/** Starts three nodes in this process, never from the environment. */
export async function rabbitCluster(owner: ProcessId = self): Promise<RabbitCluster> {
  const source = await chooseSource(nativeRabbit)
  return await onFreePorts(1 + 2 * size, owner, async (ports) => {
    const epmd = portAt(ports, 0)
    const members = Array.from({ length: size }, (_, index) => ({
      name: `node-${index + 1}`,
      ports: { amqp: portAt(ports, 1 + 2 * index), distribution: portAt(ports, 2 + 2 * index), epmd },
    }))
    const [first] = members as [Member, ...Member[]]
    const programs = rabbitPrograms()
    const cookie = randomBytes(20).toString('hex')
    const recipe: Recipe = {
      kind: 'rabbitmq-cluster',
      image: rabbitImage(),
      ports,
      published: members.map(({ ports: { amqp } }) => amqp),
      files: (place) => ({
        'record.sh': recordScript,
        cookie,
        'definitions.json': JSON.stringify(definitions(guest)),
        'boot.sh': boot(members, place, programs),
        ...Object.fromEntries(members.flatMap((member) => filesOf(member, { members, place, programs }))),
      }),
    }
    let version: string | undefined
    const answers = async ({ place: { host } }: Machine, { ports: { amqp } }: Member): Promise<void> => {
      version = await answer({ host, port: amqp, tls: false })
    }
    const { machine, verbs } = await runRecipe(recipe, {
      source,
      owner,
      answers: (made) => Promise.all(members.map((member) => answers(made, member))),
    })
    const rabbitmqctl = (name: string, ...args: readonly string[]): Promise<string> =>
      machine.run(`. ./${name}.env.sh && exec rabbitmqctl ${args.map(quote).join(' ')}`, joinMs)
    const areOnline = (name: string): Promise<unknown> => rabbitmqctl(name, 'await_online_nodes', String(size))
    try {
      await areOnline(first.name)
    } catch (error) {
      await verbs.stop()
      throw error
    }
    return {
      source,
      ...(version !== undefined && { version }),
      nodes: members.map((member) => {
        const host = `${machine.place.host}:${member.ports.amqp}`
        return {
          host,
          url: `amqp://guest:guest@${host}`,
          rabbitmqctl: (...args) => rabbitmqctl(member.name, ...args),
          ...beside(machine, member.name, () => answers(machine, member)),
        }
      }),
      async whole() {
        const areUp = (): Promise<true> =>
          Promise.all(members.map((member) => answers(machine, member))).then(() => true)
        await until(areUp, { what: 'every node to answer', timeoutMs: joinMs })
        for (const { name } of members) await areOnline(name)
      },
      stop: verbs.stop,
    }
  })
}

function filesOf(
  { name, ports }: Member,
  { members, place, programs }: { members: readonly Member[]; place: Place; programs: RabbitPrograms },
): [string, string][] {
  const home: Place = { ...place, folder: `${place.folder}/${name}` }
  const config = {
    'cluster_formation.peer_discovery_backend': 'rabbit_peer_discovery_classic_config',
    ...Object.fromEntries(
      members.map((other, index) => [
        `cluster_formation.classic_config.nodes.${index + 1}`,
        `mq${other.ports.amqp}@localhost`,
      ]),
    ),
    cluster_partition_handling: 'pause_minority',
  }
  // Otherwise messages would be stuck for three minutes after their delay if the node dies to which they are passed on.
  const application = { dead_letter_worker_publisher_confirm_timeout: 2_000 }
  const program = place.source === 'native' ? `'${programs.server}'` : 'rabbitmq-server'
  return [
    [`${name}.conf`, configuration({ options: { config }, ports, place: home })],
    [`${name}.env.sh`, environment({ place: home, ports, programs, application })],
    [`${name}.sh`, `. ./${name}.env.sh\ncd ${name} && exec ${program}\n`],
  ]
}

/** Runs Erlang's name server, through which the nodes find each other, as the machine's own process. */
function boot(members: readonly Member[], place: Place, programs: RabbitPrograms): string {
  const [first] = members as [Member, ...Member[]]
  const prepare = members.flatMap(({ name }) => [
    `mkdir -p ${name}/data ${name}/log`,
    `cp ${name}.conf ${name}/rabbitmq.conf`,
    `cp definitions.json ${name}/`,
    `: >${name}/no-environment.conf`,
    `echo '[].' >${name}/enabled_plugins`,
    `cp -n cookie ${name}/.erlang.cookie`,
    `chmod 400 ${name}/.erlang.cookie`,
  ])
  const epmd = place.source === 'native' ? `'${programs.epmd}'` : 'epmd'
  const start = members.map(({ name }) => startBeside(name))
  // Nodes do not wait for the name server, but they take seconds to start and it is up by then.
  return `${[...prepare, ...start, `. ./${first.name}.env.sh`, `exec ${epmd}`].join('\n')}\n`
}
