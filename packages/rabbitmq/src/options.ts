import type { ConnectionOptions } from 'node:tls'
import { defaultMaxMessageBytes, MqError, requireName } from '@mq/core/adapter'
import { type ChannelModel, connect, type Options, type SocketOptions } from 'amqplib'
import { type Endpoint, endpointsOf, type Login } from './options/url.js'
import { type Namespace, namespaceFor } from './topology/names.js'

export interface RabbitmqOptions {
  /** `amqp://user:password@host:5672/vhost`, or `amqps://`; percent-encode what is special. `amqp://localhost` where none is given. */
  readonly url?: string
  /** More nodes of the cluster, as `host` or `host:port`; tried in turn after the one in the URL. */
  readonly hosts?: readonly string[]
  /** Instead of the URL's, and with any characters. */
  readonly username?: string
  /** Instead of the URL's, and with any characters. */
  readonly password?: string
  /** Instead of the URL's. */
  readonly vhost?: string
  /** `ca`, `cert`, `key`, `servername` and the rest, as Node's `tls.connect` takes them. Read with `amqps://` only. */
  readonly tls?: ConnectionOptions
  /** How the connections are called in the management UI. `mq` where none is given. */
  readonly connectionName?: string
  /** How long making a connection may take. 10 s where none is given. */
  readonly connectTimeoutMs?: number
  /** A connection that is silent for twice as long is dead. Whole seconds; 10 s where none is given. */
  readonly heartbeatMs?: number
  /** What names of exchanges and queues begin with. `mq` where none is given. */
  readonly prefix?: string
  /** Added to the arguments of group queues: `x-quorum-initial-group-size`, `x-max-length` and others. */
  readonly queueArguments?: Readonly<Record<string, string | number | boolean>>
  /** The broker's own `consumer_timeout`, from which `maxHandlerMs` follows. 30 minutes, as the broker has it, where none is given. */
  readonly consumerTimeoutMs?: number
  /** A larger message is refused. 900 KiB where none is given. */
  readonly maxMessageBytes?: number
  /** Makes a connection in amqplib's stead, of a wrapped or another copy of it. */
  readonly createClient?: (url: Options.Connect, socketOptions: SocketOptions) => Promise<ChannelModel>
}

const optionNames: readonly string[] = [
  'url',
  'hosts',
  'username',
  'password',
  'vhost',
  'tls',
  'connectionName',
  'connectTimeoutMs',
  'heartbeatMs',
  'prefix',
  'queueArguments',
  'consumerTimeoutMs',
  'maxMessageBytes',
  'createClient',
] satisfies (keyof RabbitmqOptions)[]

export interface Settings {
  readonly endpoints: readonly Endpoint[]
  readonly isSecure: boolean
  readonly login: Login
  readonly vhost: string
  readonly tls: ConnectionOptions
  readonly connectionName: string
  readonly connectTimeoutMs: number
  readonly heartbeatSeconds: number
  readonly names: Namespace
  readonly queueArguments: Readonly<Record<string, string | number | boolean>>
  readonly consumerTimeoutMs: number
  readonly maxMessageBytes: number
  readonly createClient: NonNullable<RabbitmqOptions['createClient']>
}

/** Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`; no text shows the URL or a password. */
export function settingsOf(options: RabbitmqOptions): Settings {
  if (typeof options !== 'object' || options === null) throw new TypeError('rabbitmq() takes an object of options')
  for (const name of Object.keys(options)) {
    if (!optionNames.includes(name)) {
      throw new MqError('MQ_INVALID_OPTION', `rabbitmq() has no option '${name}'. Known: ${optionNames.join(', ')}`)
    }
  }
  const text = (name: 'username' | 'password' | 'vhost' | 'connectionName'): string | undefined => {
    const value: unknown = options[name]
    if (value !== undefined && typeof value !== 'string') throw new TypeError(`${name} must be a string`)
    return value
  }
  const { isSecure, endpoints, login, vhost } = endpointsOf(options.url ?? 'amqp://localhost', options.hosts ?? [])
  return {
    endpoints,
    isSecure,
    login: { username: text('username') ?? login.username, password: text('password') ?? login.password },
    vhost: text('vhost') ?? vhost,
    tls: tlsOf(options.tls),
    connectionName: text('connectionName') ?? 'mq',
    connectTimeoutMs: whole(options, 'connectTimeoutMs', { fallback: 10_000, min: 1 }),
    heartbeatSeconds: Math.ceil(whole(options, 'heartbeatMs', { fallback: 10_000, min: 1_000 }) / 1_000),
    names: namespaceFor(requireName(options.prefix ?? 'mq', 'prefix')),
    queueArguments: queueArgumentsOf(options.queueArguments),
    consumerTimeoutMs: whole(options, 'consumerTimeoutMs', { fallback: 1_800_000, min: 10_000 }),
    maxMessageBytes: whole(options, 'maxMessageBytes', { fallback: defaultMaxMessageBytes, min: 1 }),
    createClient: createClientOf(options.createClient),
  }
}

function whole(
  options: RabbitmqOptions,
  name: 'connectTimeoutMs' | 'heartbeatMs' | 'consumerTimeoutMs' | 'maxMessageBytes',
  { fallback, min }: { readonly fallback: number; readonly min: number },
): number {
  const value: unknown = options[name] ?? fallback
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, not ${typeof value}`)
  if (Number.isSafeInteger(value) && value >= min) return value
  throw new MqError('MQ_INVALID_OPTION', `${name} must be a whole number from ${min}, not ${value}`)
}

function tlsOf(tls: unknown): ConnectionOptions {
  if (tls === undefined) return {}
  if (typeof tls !== 'object' || tls === null) throw new TypeError('tls must be an object')
  return tls as ConnectionOptions
}

/** What the promises of this adapter rest on. */
const ownArguments =
  /^x-(?:queue-type|dead-letter-.*|overflow|delivery-limit|message-ttl|expires|single-active-consumer)$/

function queueArgumentsOf(given: RabbitmqOptions['queueArguments']): Settings['queueArguments'] {
  if (given === undefined) return {}
  if (typeof given !== 'object' || given === null) throw new TypeError('queueArguments must be an object')
  for (const [name, value] of Object.entries(given)) {
    if (ownArguments.test(name)) {
      throw new MqError('MQ_INVALID_OPTION', `queueArguments may not set '${name}': this adapter needs it its own way`)
    }
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      throw new TypeError(`queueArguments['${name}'] must be a string, a number or a boolean`)
    }
  }
  return { ...given }
}

function createClientOf(given: unknown): Settings['createClient'] {
  if (given === undefined) return (url, socketOptions) => connect(url, socketOptions)
  if (typeof given !== 'function') throw new TypeError('createClient must be a function')
  return given as Settings['createClient']
}
