import type { Place } from '../sources/machine.js'
import type { KafkaOptions, SaslMechanism } from './options.js'

export const allMechanisms: readonly SaslMechanism[] = ['plain', 'scram-sha-256', 'scram-sha-512']

/** A listener whose advertised port is the proxy's, so that its clients never learn another address. */
export interface Slot {
  /** The port on which Kafka listens. */
  readonly target: number
  /** The port that clients of this listener are told to use. */
  readonly advertised: number
}

export interface KafkaPorts {
  readonly client: number
  readonly broker: number
  readonly controller: number
  readonly slots: readonly Slot[]
}

export function properties(options: KafkaOptions, { ports, place }: { ports: KafkaPorts; place: Place }): string {
  const hasUsers = options.users !== undefined
  const clientProtocol = `${hasUsers ? 'SASL_' : ''}${options.tls ? 'SSL' : 'PLAINTEXT'}`
  const outside = [
    { name: 'CLIENT', target: ports.client, advertised: ports.client },
    ...ports.slots.map((slot, index) => ({ name: `PROXY${index}`, ...slot })),
  ]
  const settings: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'BROKER',
    listeners: [
      ...outside.map(({ name, target }) => `${name}://${place.bind}:${target}`),
      `BROKER://127.0.0.1:${ports.broker}`,
      `CONTROLLER://127.0.0.1:${ports.controller}`,
    ].join(','),
    'advertised.listeners': [
      ...outside.map(({ name, advertised }) => `${name}://${place.host}:${advertised}`),
      `BROKER://127.0.0.1:${ports.broker}`,
    ].join(','),
    'listener.security.protocol.map': [
      ...outside.map(({ name }) => `${name}:${clientProtocol}`),
      'BROKER:PLAINTEXT',
      'CONTROLLER:PLAINTEXT',
    ].join(','),
    'log.dirs': `${place.folder}/data`,
    ...small,
    ...(options.tls && secure(place)),
    ...(hasUsers &&
      logins(
        options,
        outside.map(({ name }) => name),
      )),
    ...(options.superUsers && {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      // The broker's own listeners have no login.
      'super.users': ['ANONYMOUS', ...options.superUsers].map((name) => `User:${name}`).join(';'),
    }),
    ...options.config,
  }
  return written(settings)
}

export const written = (settings: Readonly<Record<string, string | number>>): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${escaped(String(value))}\n`)
    .join('')

/** Settings for tests: one copy of everything, few threads, no waiting for other brokers. */
export const small = {
  'offsets.topic.replication.factor': 1,
  'offsets.topic.num.partitions': 4,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'transaction.state.log.num.partitions': 4,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  'group.initial.rebalance.delay.ms': 0,
  'num.network.threads': 1,
  'num.io.threads': 4,
  'background.threads': 2,
  'log.cleaner.dedupe.buffer.size': 4_194_304,
  // A killed broker may come back at once, and a paused one is soon considered lost.
  'broker.session.timeout.ms': 3_000,
  'broker.heartbeat.interval.ms': 500,
}

function secure(place: Place): Record<string, string> {
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': `${place.folder}/keystore.pem`,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': `${place.folder}/ca.pem`,
    'ssl.client.auth': 'none',
  }
}

function logins({ users = {}, mechanisms = allMechanisms }: KafkaOptions, listeners: string[]): Record<string, string> {
  const plain = Object.entries(users).map(([name, password]) => `user_${name}="${quoted(password)}"`)
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
  const modules = {
    plain: `org.apache.kafka.common.security.plain.PlainLoginModule required ${plain.join(' ')};`,
    'scram-sha-256': scram,
    'scram-sha-512': scram,
  }
  const perListener = listeners.flatMap((name) =>
    mechanisms.map((mechanism): [string, string] => [
      `listener.name.${name.toLowerCase()}.${mechanism}.sasl.jaas.config`,
      modules[mechanism],
    ]),
  )
  return {
    'sasl.enabled.mechanisms': mechanisms.map((mechanism) => mechanism.toUpperCase()).join(','),
    ...Object.fromEntries(perListener),
  }
}

const quoted = (text: string): string => text.replace(/["\\]/g, '\\$&')

/** Escapes backslashes, which start an escape in a Java properties file. */
const escaped = (value: string): string => value.replaceAll('\\', '\\\\')
