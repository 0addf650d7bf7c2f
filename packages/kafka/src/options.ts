import type { ConnectionOptions } from 'node:tls'
import {
  booleanOption,
  defaultMaxMessageBytes,
  functionOption,
  integerOption,
  keysOf,
  requireKnownOptions,
  requireName,
  textOption,
  tlsOption,
} from '@mq/core/adapter'
import type { ClientSettings, Kafka, KafkaConfig, Sasl } from './driver/client.js'
import type { Compression } from './driver/requests.js'
import { brokersOf, compressionOf, noBrokers, saslOf, topicConfigOf } from './options/checks.js'
import { parseUrl } from './options/url.js'

/** The options of `kafka()`. */
export interface KafkaOptions {
  /** `kafka://user:password@host:9092,other:9092?tls=true&mechanism=scram-sha-256`; only the hosts are required. */
  readonly url?: string | undefined
  /** Addresses as `host:port`, in place of those in `url`. One broker that answers is enough to find the others. */
  readonly brokers?: readonly string[] | undefined
  /** `true`, or options of Node's `tls.connect`, such as `ca`, `cert`, `key` and `servername`. Default: as `url` says. */
  readonly tls?: boolean | ConnectionOptions | undefined
  /** The login. Default: user and password of `url`, if it has them. */
  readonly sasl?: Sasl | undefined
  /** The name of this client in the logs and metrics of the brokers. Default: `mq`. */
  readonly clientId?: string | undefined
  /** A namespace: the name of each topic and consumer group begins with it. Default: none. */
  readonly prefix?: string | undefined
  /** Partitions of a message topic that the adapter creates. At most this many processes of a group get work. Default: 6. */
  readonly partitions?: number | undefined
  /** Replicas of each topic that the adapter creates. Default: as the broker is configured. */
  readonly replicationFactor?: number | undefined
  /** Configuration of a message topic that the adapter creates, such as `{ 'retention.ms': '604800000' }`. Default: none. */
  readonly topicConfig?: Readonly<Record<string, string>> | undefined
  /** How long retries and delayed messages are kept. It must be longer than any outage of a consumer. Default: 7 days. */
  readonly retryRetentionMs?: number | undefined
  /** If false, a missing topic is an error that names it, because other programs create topics. Default: true. */
  readonly createTopics?: boolean | undefined
  /** Codecs other than `gzip` must be registered with kafkajs. Default: `none`. */
  readonly compression?: Compression | undefined
  /**
   * How long the first message of a batch waits for more. With 0 the batch is sent as soon as the running code has ended. If a
   * batch is under way already, later messages wait for its end in any case. Default: 0.
   */
  readonly lingerMs?: number | undefined
  /**
   * A consumer without a heartbeat for this long counts as dead. Default: 6 s if memberships have a thread of their own, else 30 s. They
   * have none with `createClient`, with functions in `tls`, in a bundle, and outside of Node.
   */
  readonly sessionTimeoutMs?: number | undefined
  /** How long a rebalance waits for the members of a group. Default: as `sessionTimeoutMs`, or 30 s if that has its default. */
  readonly rebalanceTimeoutMs?: number | undefined
  /**
   * A process that holds its event loop for this long leaves its groups, and its messages run elsewhere. Without a thread for
   * memberships, `sessionTimeoutMs` is the limit. Default: 5 min.
   */
  readonly maxStallMs?: number | undefined
  /** How long `connect` may take, and each connection to a broker. Default: 10 s. */
  readonly connectTimeoutMs?: number | undefined
  /** A connection that has not answered a request for this long is closed. Default: 10 s. */
  readonly requestTimeoutMs?: number | undefined
  /** A partition is not read further while this many records lie behind its oldest unfinished one. Default: 10,000. */
  readonly maxUncommitted?: number | undefined
  /** `publish` refuses a larger message. Default: 900 KiB. */
  readonly maxMessageBytes?: number | undefined
  /** Makes the client of kafkajs 2 from the adapter's configuration: for another kind of SASL, or a fork. Default: `new Kafka`. */
  readonly createClient?: ((config: KafkaConfig) => Kafka) | undefined
}

const optionNames = keysOf<KafkaOptions>()({
  url: true,
  brokers: true,
  tls: true,
  sasl: true,
  clientId: true,
  prefix: true,
  partitions: true,
  replicationFactor: true,
  topicConfig: true,
  retryRetentionMs: true,
  createTopics: true,
  compression: true,
  lingerMs: true,
  sessionTimeoutMs: true,
  rebalanceTimeoutMs: true,
  maxStallMs: true,
  connectTimeoutMs: true,
  requestTimeoutMs: true,
  maxUncommitted: true,
  maxMessageBytes: true,
  createClient: true,
})

/** The options with their defaults. */
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
  readonly sessionTimeoutMs: number | undefined
  readonly rebalanceTimeoutMs: number | undefined
  readonly maxStallMs: number
  readonly maxUncommitted: number
  readonly maxMessageBytes: number
  readonly createClient: ((config: KafkaConfig) => Kafka) | undefined
}

const dayMs = 24 * 60 * 60 * 1000

/** Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`. */
export function settingsOf(options: KafkaOptions): Settings {
  requireKnownOptions(options, optionNames, 'kafka()')
  const integer = (name: keyof KafkaOptions, range: Parameters<typeof integerOption>[2]): number =>
    integerOption(options, name, range)
  const optional = (name: keyof KafkaOptions, range: { readonly min: number; readonly max: number }) =>
    options[name] === undefined ? undefined : integer(name, { ...range, fallback: range.min })
  const url = options.url === undefined ? undefined : parseUrl(options.url)
  return {
    brokers: [...new Set(brokersOf(options.brokers) ?? url?.brokers ?? noBrokers())],
    clientId: textOption(options, 'clientId', { mayBeEmpty: false }) ?? 'mq',
    tls: tlsOption(options, { or: [true, false] }) ?? (url?.tls ? {} : undefined),
    sasl: saslOf(options.sasl) ?? url?.sasl,
    prefix: options.prefix === undefined ? undefined : requireName(options.prefix, 'prefix'),
    partitions: integer('partitions', { fallback: 6, min: 1, max: 10_000 }),
    replicationFactor: integer('replicationFactor', { fallback: -1, min: -1, max: 100 }),
    topicConfig: topicConfigOf(options.topicConfig),
    retryRetentionMs: integer('retryRetentionMs', { fallback: 7 * dayMs, min: 60_000, max: 3650 * dayMs }),
    createTopics: booleanOption(options, 'createTopics', true),
    compression: compressionOf(options.compression),
    lingerMs: integer('lingerMs', { fallback: 0, min: 0, max: 1_000 }),
    sessionTimeoutMs: optional('sessionTimeoutMs', { min: 100, max: dayMs }),
    rebalanceTimeoutMs: optional('rebalanceTimeoutMs', { min: 100, max: dayMs }),
    maxStallMs: integer('maxStallMs', { fallback: 5 * 60_000, min: 2_000, max: dayMs }),
    connectTimeoutMs: integer('connectTimeoutMs', { fallback: 10_000, min: 1, max: dayMs }),
    requestTimeoutMs: integer('requestTimeoutMs', { fallback: 10_000, min: 1, max: dayMs }),
    maxUncommitted: integer('maxUncommitted', { fallback: 10_000, min: 1, max: 10_000_000 }),
    maxMessageBytes: integer('maxMessageBytes', { fallback: defaultMaxMessageBytes, min: 1, max: 512 * 1024 * 1024 }),
    createClient: functionOption(options, 'createClient'),
  }
}
