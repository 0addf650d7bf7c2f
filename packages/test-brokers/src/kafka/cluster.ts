import { type ProcessId, self } from '../run/process.js'
import { until } from '../run/wait.js'
import { ask } from '../sources/ask.js'
import { type Beside, beside, recordScript, startBeside } from '../sources/beside.js'
import type { Place, Recipe, Source } from '../sources/machine.js'
import { onFreePorts, portAt } from '../sources/ports.js'
import { runRecipe } from '../sources/run.js'
import { chooseKafka } from './index.js'
import { type Slot, small, written } from './properties.js'
import { type KafkaScript, kafkaImage, kafkaScript } from './recipe.js'

/** A controller and brokers, each a process of its own, so that the controller notices when a broker dies. */
export interface KafkaCluster {
  readonly source: Source
  readonly version: string
  /** A URL with all brokers. */
  readonly url: string
  readonly nodes: readonly KafkaNode[]
  /** Resolves once each broker knows all of them. */
  whole(): Promise<void>
  stop(): Promise<void>
}

export interface KafkaNode extends Beside {
  readonly id: number
  /** The addresses in the form of kafkajs. */
  readonly address: string
  /** The listener for a proxy. */
  readonly slot: Slot
}

const heapMb = 256
const controllerId = 100

/** Starts the cluster in this process, never from the environment. */
export async function kafkaCluster(
  { brokers = 2, config = {} }: { readonly brokers?: number; readonly config?: Readonly<Record<string, string>> } = {},
  owner: ProcessId = self,
): Promise<KafkaCluster> {
  const { source, version, native } = await chooseKafka()
  return await onFreePorts(1 + 4 * brokers, owner, async (ports) => {
    const controller = portAt(ports, 0)
    const members = Array.from({ length: brokers }, (_, index) => ({
      id: index + 1,
      name: `broker-${index + 1}`,
      port: portAt(ports, 1 + 4 * index),
      inside: portAt(ports, 2 + 4 * index),
      slot: { target: portAt(ports, 3 + 4 * index), advertised: portAt(ports, 4 + 4 * index) },
    }))
    const recipe: Recipe = {
      kind: 'kafka-cluster',
      image: kafkaImage(version),
      ports,
      published: members.flatMap(({ port, slot }) => [port, slot.target]),
      files: (place) => ({
        'record.sh': recordScript,
        'controller.properties': controllerProperties(controller, place),
        ...Object.fromEntries(
          members.map((one) => [`${one.name}.properties`, brokerProperties(one, { controller, place, config })]),
        ),
        ...Object.fromEntries(members.map(({ name }) => [`${name}.sh`, script(name, { place, native })])),
        // The last script becomes the main process of the machine: when the controller ends, everything does.
        'boot.sh': [...members.map(({ name }) => startBeside(name)), 'exec /bin/sh ./controller.sh', ''].join('\n'),
        'controller.sh': script('controller', { place, native }),
      }),
    }
    const seeAll = (host: string): Promise<true> =>
      Promise.all(members.map(({ port }) => sees(brokers, host, port))).then(() => true)
    const { machine, verbs } = await runRecipe(recipe, {
      source,
      owner,
      answers: ({ place }) => seeAll(place.host),
    })
    const { host } = machine.place
    return {
      source,
      version,
      url: `kafka://${members.map(({ port }) => `${host}:${port}`).join(',')}`,
      whole: async () => void (await until(() => seeAll(host), { what: 'all brokers together', timeoutMs: 90_000 })),
      nodes: members.map(({ id, name, port, slot }) => ({
        id,
        address: `${host}:${port}`,
        slot,
        ...beside(machine, name, () => sees(0, host, port)),
      })),
      stop: verbs.stop,
    }
  })
}

/** Asks a broker for its metadata without topics. Throws while it names fewer than `count` brokers. */
async function sees(count: number, host: string, port: number): Promise<true> {
  // Size, Metadata in version 1, a correlation id, the client's name, and an empty list.
  const request = Buffer.from('000000180003000100000001000a', 'hex')
  const seen = await ask(
    { host, port, tls: false },
    {
      send: Buffer.concat([request, Buffer.from('test-probe'), Buffer.alloc(4)]),
      read: (reply) => (reply.length < 12 ? undefined : { brokers: reply.readInt32BE(8) }),
    },
  )
  if (seen.brokers < count) throw new Error(`The broker at ${port} sees ${seen.brokers} of ${count} brokers`)
  return true
}

const script = (name: string, at: Pick<KafkaScript, 'place' | 'native'>): string =>
  kafkaScript({ heapMb }, { ...at, file: `${name}.properties`, data: name })

const common = (port: number, name: string, { folder }: Place) => ({
  'controller.quorum.voters': `${controllerId}@127.0.0.1:${port}`,
  'controller.listener.names': 'CONTROLLER',
  'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,CLIENT:PLAINTEXT,PROXY:PLAINTEXT,BROKER:PLAINTEXT',
  'log.dirs': `${folder}/${name}`,
  ...small,
})

const controllerProperties = (port: number, place: Place): string =>
  written({
    'process.roles': 'controller',
    'node.id': controllerId,
    listeners: `CONTROLLER://127.0.0.1:${port}`,
    ...common(port, 'controller', place),
  })

interface Member {
  readonly id: number
  readonly name: string
  readonly port: number
  /** The address at which the other brokers reach this one. */
  readonly inside: number
  readonly slot: Slot
}

interface Surroundings {
  /** The controller's port. */
  readonly controller: number
  readonly place: Place
  readonly config: Readonly<Record<string, string>>
}

const brokerProperties = (
  { id, name, port, inside, slot }: Member,
  { controller, place, config }: Surroundings,
): string =>
  written({
    'process.roles': 'broker',
    'node.id': id,
    listeners: `CLIENT://${place.bind}:${port},PROXY://${place.bind}:${slot.target},BROKER://127.0.0.1:${inside}`,
    'advertised.listeners': [
      `CLIENT://${place.host}:${port}`,
      `PROXY://127.0.0.1:${slot.advertised}`,
      `BROKER://127.0.0.1:${inside}`,
    ].join(','),
    'inter.broker.listener.name': 'BROKER',
    ...common(controller, name, place),
    // Groups continue without one broker.
    'offsets.topic.replication.factor': 2,
    ...config,
  })
