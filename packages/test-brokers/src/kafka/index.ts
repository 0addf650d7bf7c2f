import { defaultKafkaVersion, type NativeKafka, nativeKafka } from '../install/kafka.js'
import { type ProcessId, self } from '../run/process.js'
import { refusedVerbs, type Server } from '../server.js'
import { ask, type Endpoint } from '../sources/ask.js'
import {
  askEnvironment,
  chooseSource,
  environmentReason,
  fromEnvironment,
  type NativeSource,
} from '../sources/choose.js'
import { onFreePorts, portAt } from '../sources/ports.js'
import { runRecipe } from '../sources/run.js'
import { certificates } from '../tls.js'
import type { KafkaOptions, SaslMechanism } from './options.js'
import type { KafkaPorts, Slot } from './properties.js'
import { kafkaRecipe } from './recipe.js'

export interface KafkaServer extends Server {
  readonly kind: 'kafka'
  /** The addresses in the form of kafkajs. */
  readonly brokers: readonly string[]
  /** The first user's login in the form of kafkajs. Uses PLAIN unless `mechanisms` lacks it. */
  readonly sasl?: { readonly mechanism: SaslMechanism; readonly username: string; readonly password: string }
  /** The listeners for `proxy`. */
  readonly slots: readonly Slot[]
}

/**
 * Starts a Kafka with broker and controller in one process. Uses `MQ_TEST_KAFKA_URL`, a Docker engine, or a native server, in
 * this order.
 */
export async function kafka(options: KafkaOptions = {}, owner: ProcessId = self): Promise<KafkaServer> {
  const url = fromEnvironment('kafka', options)
  if (url !== undefined) return await environmentKafka(url)
  const { source, version, native } = await chooseKafka(options.version)
  const secured = options.tls ? certificates([]) : undefined
  const proxies = options.proxies ?? 2

  return await onFreePorts(3 + 2 * proxies, owner, async (ports) => {
    const named = portsOf(ports, proxies)
    const port = named.client
    const recipe = kafkaRecipe({ options, version, ports: named, native, certificates: secured })
    const { machine, verbs } = await runRecipe(recipe, {
      source,
      owner,
      // Kafka opens its listeners one after the other, and those for proxies may be the last.
      answers: ({ place: { host } }) =>
        Promise.all(
          [port, ...named.slots.map(({ target }) => target)].map((one) =>
            answer({ host, port: one, tls: options.tls ?? false, ...(secured && { ca: secured.ca }) }),
          ),
        ),
    })
    const { host } = machine.place
    const [username, password] = Object.entries(options.users ?? {})[0] ?? []
    const address = new URL(`kafka://${host}:${port}`)
    address.username = encodeURIComponent(username ?? '')
    address.password = encodeURIComponent(password ?? '')
    return {
      kind: 'kafka',
      source,
      url: address.href,
      host,
      port,
      version,
      brokers: [`${host}:${port}`],
      slots: named.slots,
      ...(secured && { ca: secured.ca }),
      ...(username !== undefined &&
        password !== undefined && { sasl: { mechanism: options.mechanisms?.[0] ?? 'plain', username, password } }),
      ...verbs,
    }
  })
}

export const kafkaSource = (prepare: () => Promise<void>): NativeSource => ({
  kind: 'kafka',
  packages: [],
  obstacle: () => undefined,
  prepare,
  advice: 'Java 17 and Maven on the PATH, as by `apt-get install openjdk-17-jdk-headless maven`',
})

const wantedVersion = (): string => process.env.MQ_TEST_KAFKA_VERSION ?? defaultKafkaVersion

export async function prepareKafka(): Promise<void> {
  await nativeKafka(wantedVersion())
}

/** Describes how a Kafka of that version starts natively, and what it needs. */
export async function chooseKafka(version = wantedVersion()) {
  let native: NativeKafka | undefined
  const source = await chooseSource(
    kafkaSource(async () => {
      native = await nativeKafka(version)
    }),
  )
  return { source, version, native }
}

function portsOf(ports: readonly number[], proxies: number): KafkaPorts {
  const slots = Array.from({ length: proxies }, (_, index) => ({
    target: portAt(ports, 3 + 2 * index),
    advertised: portAt(ports, 4 + 2 * index),
  }))
  return { client: portAt(ports, 0), broker: portAt(ports, 1), controller: portAt(ports, 2), slots }
}

/** Uses a running Kafka. The URL is `kafka://user:password@host:9092`, with commas between several hosts. */
async function environmentKafka(url: URL): Promise<KafkaServer> {
  const brokers = url.host.split(',').map((broker) => (broker.includes(':') ? broker : `${broker}:9092`))
  const [host = '', port = ''] = brokers[0]?.split(':') ?? []
  await askEnvironment('kafka', () => answer({ host, port: Number(port) }))
  const username = decodeURIComponent(url.username)
  return {
    kind: 'kafka',
    source: 'environment',
    url: url.href,
    host,
    port: Number(port),
    brokers,
    slots: [],
    ...(username !== '' && {
      sasl: { mechanism: 'plain' as const, username, password: decodeURIComponent(url.password) },
    }),
    ...refusedVerbs(environmentReason('kafka')),
  }
}

/** Asks which requests the broker accepts, which needs no login. It answers only once it serves clients. */
async function answer(endpoint: Endpoint): Promise<true> {
  // Size, ApiVersions in version 0, a correlation id, and the client's name.
  const apiVersions = Buffer.from('000000140012000000000001000a', 'hex')
  const name = Buffer.from('test-probe')
  return await ask(endpoint, {
    send: Buffer.concat([apiVersions, name]),
    read(reply) {
      if (reply.length < 10) return undefined
      if (reply.readInt32BE(4) !== 1 || reply.readInt16BE(8) !== 0) throw new Error('no Kafka here')
      return true
    },
  })
}
