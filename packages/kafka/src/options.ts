import type { ConnectionOptions } from 'node:tls'
import { defaultMaxMessageBytes, MqError, requireName } from '@mq/core/adapter'
import type { Kafka, KafkaConfig } from 'kafkajs'
import type { ClientSettings, Sasl } from './driver/client.js'
import type { Compression } from './driver/requests.js'
import { parseUrl } from './options/url.js'

export interface KafkaOptions {
  /** `kafka://user:password@host:9092,other:9092?tls=true&mechanism=scram-sha-256`; all but the hosts may be left out. */
  readonly url?: string
  /** `host:port`, instead of a URL's. One that answers is enough. */
  readonly brokers?: readonly string[]
  /** `true`, or what Node's `tls.connect` takes: `ca`, `cert`, `key`, `servername`. */
  readonly tls?: boolean | ConnectionOptions
  readonly sasl?: Sasl
  /** As the brokers see this client. `mq` where none is given. */
  readonly clientId?: string
  /** Stands before every name at the broker. */
  readonly prefix?: string
  /** Of a topic that is created: as many processes of a group can share it. 6 where none is given. */
  readonly partitions?: number
  /** Of topics that are created. The broker's default where none is given. */
  readonly replicationFactor?: number
  /** Configuration of the topics that hold what is published, such as `{ 'retention.ms': '604800000' }`. */
  readonly topicConfig?: Readonly<Record<string, string>>
  /** How long retries and delayed messages are kept; more than the longest outage. 7 days where none is given. */
  readonly retryRetentionMs?: number
  /** False for clusters where others create topics; a missing one is then an error that names it. */
  readonly createTopics?: boolean
  /** Others than `gzip` need a codec that is registered with kafkajs. `none` where none is given. */
  readonly compression?: Compression
  /**
   * How long the first message of a batch waits for more. 0: only until the running code has ended. What comes while a batch is
   * under way waits for it in any case.
   */
  readonly lingerMs?: number
  /** After how long without a heartbeat a consumer counts as dead. 30 s where none is given. */
  readonly sessionTimeoutMs?: number
  /** How long a rebalance waits for its members. As `sessionTimeoutMs` where none is given. */
  readonly rebalanceTimeoutMs?: number
  /** 10 s where none is given. */
  readonly connectTimeoutMs?: number
  /** After how long without an answer a connection counts as dead. 10 s where none is given. */
  readonly requestTimeoutMs?: number
  /** How many records of a partition may lie past the oldest unfinished one; then it waits. 10,000 where none is given. */
  readonly maxUncommitted?: number
  /** A larger message is refused. 900 KiB where none is given. */
  readonly maxMessageBytes?: number
  /** Makes the client of kafkajs 2, from the configuration that the adapter would use: for SASL of another kind, for a fork. */
  readonly createClient?: (config: KafkaConfig) => Kafka
}

const optionNames = [
  'url',
  'brokers',
  'tls',
  'sasl',
  'clientId',
  'prefix',
  'partitions',
  'replicationFactor',
  'topicConfig',
  'retryRetentionMs',
  'createTopics',
  'compression',
  'lingerMs',
  'sessionTimeoutMs',
  'rebalanceTimeoutMs',
  'connectTimeoutMs',
  'requestTimeoutMs',
  'maxUncommitted',
  'maxMessageBytes',
  'createClient',
] as const satisfies readonly (keyof KafkaOptions)[]

export interface Settings extends ClientSettings {
  readonly prefix: string | undefined
  readonly partitions: number
  /** -1 for the broker's default. */
  readonly replicationFactor: number
  readonly topicConfig: Readonly<Record<string, string>>
  readonly retryRetentionMs: number
  readonly createTopics: boolean
  readonly compression: Compression
  readonly lingerMs: number
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly maxUncommitted: number
  readonly maxMessageBytes: number
  readonly createClient: ((config: KafkaConfig) => Kafka) | undefined
}

const dayMs = 24 * 60 * 60 * 1000

/** Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`. */
export function settingsOf(options: KafkaOptions): Settings {
  if (typeof options !== 'object' || options === null) throw new TypeError('kafka() takes an object of options')
  for (const name of Object.keys(options)) {
    if (!(optionNames as readonly string[]).includes(name)) {
      throw invalid(`kafka() has no option '${name}'. Known: ${optionNames.join(', ')}`)
    }
  }
  const url = options.url === undefined ? undefined : parseUrl(options.url)
  const sessionTimeoutMs = integer(options, 'sessionTimeoutMs', { fallback: 30_000, min: 100, max: dayMs })
  const sasl = saslOf(options.sasl) ?? url?.sasl
  return {
    brokers: [...new Set(brokersOf(options.brokers) ?? url?.brokers ?? noBrokers())],
    clientId: text(options, 'clientId') ?? 'mq',
    tls: tlsOf(options.tls) ?? (url?.tls ? {} : undefined),
    sasl,
    prefix: options.prefix === undefined ? undefined : requireName(options.prefix, 'prefix'),
    partitions: integer(options, 'partitions', { fallback: 6, min: 1, max: 10_000 }),
    replicationFactor: integer(options, 'replicationFactor', { fallback: -1, min: -1, max: 100 }),
    topicConfig: configOf(options.topicConfig),
    retryRetentionMs: integer(options, 'retryRetentionMs', { fallback: 7 * dayMs, min: 60_000, max: 3650 * dayMs }),
    createTopics: flag(options, 'createTopics', true),
    compression: compressionOf(options.compression),
    lingerMs: integer(options, 'lingerMs', { fallback: 0, min: 0, max: 1_000 }),
    sessionTimeoutMs,
    rebalanceTimeoutMs: integer(options, 'rebalanceTimeoutMs', { fallback: sessionTimeoutMs, min: 100, max: dayMs }),
    connectTimeoutMs: integer(options, 'connectTimeoutMs', { fallback: 10_000, min: 1, max: dayMs }),
    requestTimeoutMs: integer(options, 'requestTimeoutMs', { fallback: 10_000, min: 1, max: dayMs }),
    maxUncommitted: integer(options, 'maxUncommitted', { fallback: 10_000, min: 1, max: 10_000_000 }),
    maxMessageBytes: integer(options, 'maxMessageBytes', {
      fallback: defaultMaxMessageBytes,
      min: 1,
      max: 512 * 1024 * 1024,
    }),
    createClient: options.createClient === undefined ? undefined : factory(options.createClient),
  }
}

const invalid = (text: string): MqError => new MqError('MQ_INVALID_OPTION', text)

function noBrokers(): never {
  throw invalid("kafka() needs a url such as 'kafka://localhost:9092', or brokers")
}

function integer(
  options: KafkaOptions,
  name: keyof KafkaOptions,
  { fallback, min, max }: { readonly fallback: number; readonly min: number; readonly max: number },
): number {
  const value = options[name] ?? fallback
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, not ${typeof value}`)
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value
  throw invalid(`${name} must be a whole number from ${min} to ${max}, not ${value}`)
}

function flag(options: KafkaOptions, name: 'createTopics', fallback: boolean): boolean {
  const value: unknown = options[name] ?? fallback
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be a boolean, not ${typeof value}`)
  return value
}

function text(options: KafkaOptions, name: 'clientId'): string | undefined {
  const value: unknown = options[name]
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  throw new TypeError(`${name} must be a string that is not empty`)
}

function factory(value: unknown): (config: KafkaConfig) => Kafka {
  if (typeof value !== 'function') throw new TypeError(`createClient must be a function, not ${typeof value}`)
  return value as (config: KafkaConfig) => Kafka
}

function brokersOf(value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined
  if (!Array.isArray(value) || value.length === 0 || value.some((one) => typeof one !== 'string')) {
    throw new TypeError("brokers must be an array of strings such as ['localhost:9092']")
  }
  return value.map((broker: string) => {
    const found = /^([^\s/@:]+)(?::(\d{1,5}))?$/.exec(broker)
    // Not shown: it may be a URL with a password.
    if (found === null) throw invalid("Each of the brokers must be 'host:port'")
    return `${found[1]}:${found[2] ?? 9092}`
  })
}

function tlsOf(value: unknown): ConnectionOptions | undefined {
  if (value === undefined || value === false) return undefined
  if (value === true) return {}
  if (typeof value === 'object' && value !== null) return value
  throw new TypeError(`tls must be a boolean or options of Node's tls.connect, not ${typeof value}`)
}

const mechanisms: readonly string[] = ['plain', 'scram-sha-256', 'scram-sha-512'] satisfies Sasl['mechanism'][]

function saslOf(value: unknown): Sasl | undefined {
  if (value === undefined) return undefined
  const { mechanism, username, password } = (value ?? {}) as Partial<Sasl>
  if (typeof username !== 'string' || typeof password !== 'string' || typeof mechanism !== 'string') {
    throw new TypeError('sasl must be { mechanism, username, password }, all of them strings')
  }
  if (mechanisms.includes(mechanism)) return { mechanism, username, password }
  throw invalid(`sasl.mechanism must be one of ${mechanisms.join(', ')}`)
}

const compressions: readonly string[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] satisfies Compression[]

function compressionOf(value: unknown): Compression {
  if (value === undefined) return 'none'
  if (typeof value === 'string' && compressions.includes(value)) return value as Compression
  throw invalid(`compression must be one of ${compressions.join(', ')}`)
}

function configOf(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Object.values(value).some((one) => typeof one !== 'string')) {
    throw new TypeError("topicConfig must be an object of strings such as { 'retention.ms': '604800000' }")
  }
  return { ...(value as Record<string, string>) }
}
