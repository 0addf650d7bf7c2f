import type { ConnectionOptions } from 'node:tls'
import {
  defaultMaxMessageBytes,
  functionOption,
  integerOption,
  keysOf,
  MqError,
  requireKnownOptions,
  requireName,
  textOption,
  tlsOption,
} from '@mq/core/adapter'
import { type ChannelModel, connect, type Options, type SocketOptions } from 'amqplib'
import { type Endpoint, type Login, parseAddress } from './options/url.js'

/** The address of RabbitMQ's management API. */
export interface ManagementOptions {
  /** `http://host:15672`, or with `https`. */
  readonly url: string
}

export interface RabbitmqOptions {
  /**
   * `amqp://user:password@host:5672/vhost`, or `amqps://` for TLS. Special characters are percent-encoded.
   * Default: `amqp://localhost`.
   */
  readonly url?: string | undefined
  /** More nodes of the cluster, as `host` or `host:port`, tried in turn after the one in the URL. Default: none. */
  readonly hosts?: readonly string[] | undefined
  /** Replaces the user of the URL; any characters are allowed. Default: the URL's, or `guest`. */
  readonly username?: string | undefined
  /** Replaces the password of the URL; any characters are allowed. Default: the URL's, or `guest`. */
  readonly password?: string | undefined
  /** Replaces the vhost of the URL. Default: the URL's, or `/`. */
  readonly vhost?: string | undefined
  /** `ca`, `cert`, `key`, `servername` and other options of Node's `tls.connect`. Used with `amqps://` only. Default: Node's. */
  readonly tls?: ConnectionOptions | undefined
  /** Names the connections in the management UI, followed by the host and `(publish)` or `(consume)`. Default: `mq`. */
  readonly connectionName?: string | undefined
  /** How long opening a connection may take, all hosts together. Default: 10 s. */
  readonly connectTimeoutMs?: number | undefined
  /** A connection that is silent for twice as long counts as dead. Rounded up to whole seconds. Default: 30 s. */
  readonly heartbeatMs?: number | undefined
  /** The first part of the name of every exchange and queue. Default: `mq`. */
  readonly prefix?: string | undefined
  /** More arguments of group queues: `x-quorum-initial-group-size`, `x-max-length` and others. Default: none. */
  readonly queueArguments?: Readonly<Record<string, string | number | boolean>> | undefined
  /** The value of `consumer_timeout` at the broker; `maxHandlerMs` follows from it. Default: 30 minutes, as at the broker. */
  readonly consumerTimeoutMs?: number | undefined
  /**
   * The management API, as `{ url: 'http://host:15672' }`, for what AMQP does not report. The login of the URL replaces that of the
   * adapter. Default: none.
   */
  readonly management?: ManagementOptions | undefined
  /** A larger message is refused. Default: 900 KiB. */
  readonly maxMessageBytes?: number | undefined
  /** Opens a connection in place of amqplib's `connect`, with a wrapped or another copy of amqplib. Default: amqplib's. */
  readonly createClient?: ((url: Options.Connect, socketOptions: SocketOptions) => Promise<ChannelModel>) | undefined
}

const optionNames = keysOf<RabbitmqOptions>()({
  url: true,
  hosts: true,
  username: true,
  password: true,
  vhost: true,
  tls: true,
  connectionName: true,
  connectTimeoutMs: true,
  heartbeatMs: true,
  prefix: true,
  queueArguments: true,
  consumerTimeoutMs: true,
  management: true,
  maxMessageBytes: true,
  createClient: true,
})

/** The options, checked and with their defaults. */
export interface Settings {
  readonly endpoints: readonly Endpoint[]
  readonly isSecure: boolean
  readonly login: Login
  readonly vhost: string
  readonly tls: ConnectionOptions
  readonly connectionName: string
  readonly connectTimeoutMs: number
  readonly heartbeatSeconds: number
  readonly prefix: string
  readonly queueArguments: Readonly<Record<string, string | number | boolean>>
  readonly consumerTimeoutMs: number
  readonly management: URL | undefined
  readonly maxMessageBytes: number
  readonly createClient: NonNullable<RabbitmqOptions['createClient']>
}

/** Throws a `TypeError`, `MQ_INVALID_URL`, `MQ_INVALID_NAME` or `MQ_INVALID_OPTION`. No error shows the URL or a password. */
export function settingsOf(options: RabbitmqOptions): Settings {
  requireKnownOptions(options, optionNames, 'rabbitmq()')
  const { isSecure, endpoints, login, vhost } = parseAddress(options.url ?? 'amqp://localhost', options.hosts ?? [])
  return {
    endpoints,
    isSecure,
    login: {
      username: textOption(options, 'username') ?? login.username,
      password: textOption(options, 'password') ?? login.password,
    },
    vhost: textOption(options, 'vhost') ?? vhost,
    tls: tlsOption(options) ?? {},
    connectionName: textOption(options, 'connectionName') ?? 'mq',
    connectTimeoutMs: integerOption(options, 'connectTimeoutMs', { fallback: 10_000, min: 1 }),
    heartbeatSeconds: Math.ceil(integerOption(options, 'heartbeatMs', { fallback: 30_000, min: 1_000 }) / 1_000),
    prefix: requireName(options.prefix ?? 'mq', 'prefix'),
    queueArguments: checkedArguments(options.queueArguments),
    consumerTimeoutMs: integerOption(options, 'consumerTimeoutMs', { fallback: 1_800_000, min: 10_000 }),
    management: managementOf(options.management),
    maxMessageBytes: integerOption(options, 'maxMessageBytes', { fallback: defaultMaxMessageBytes, min: 1 }),
    createClient: functionOption(options, 'createClient') ?? ((url, socketOptions) => connect(url, socketOptions)),
  }
}

/** The promises of this adapter depend on these arguments. */
const ownArguments =
  /^x-(?:queue-type|dead-letter-.*|overflow|delivery-limit|message-ttl|expires|single-active-consumer)$/

function checkedArguments(given: RabbitmqOptions['queueArguments']): Settings['queueArguments'] {
  if (given === undefined) return {}
  if (typeof given !== 'object' || given === null) throw new TypeError('queueArguments must be an object')
  for (const [name, value] of Object.entries(given)) {
    if (ownArguments.test(name)) {
      throw new MqError('MQ_INVALID_OPTION', `queueArguments may not set '${name}': this adapter sets it itself`)
    }
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      throw new TypeError(`queueArguments['${name}'] must be a string, a number or a boolean`)
    }
  }
  return { ...given }
}

function managementOf(given: RabbitmqOptions['management']): URL | undefined {
  if (given === undefined) return undefined
  if (typeof given !== 'object' || given === null)
    throw new TypeError("management must be an object, { url: 'http://host:15672' }")
  requireKnownOptions(given, ['url'], 'management')
  const url = textOption(given, 'url') ?? ''
  // `new URL` would throw an error that shows the whole URL.
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    throw new MqError(
      'MQ_INVALID_URL',
      "The URL of management must begin with http:// or https://, as in 'http://host:15672'",
    )
  }
  return new URL(url)
}
