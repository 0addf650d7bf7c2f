import type { ConnectionOptions } from 'node:tls'
import {
  booleanOption,
  defaultMaxMessageBytes,
  integerOption,
  keysOf,
  MqError,
  requireKnownOptions,
  textOption,
} from '@mq/core/adapter'
import { type PostgresPool, requirePool } from './options/pool.js'
import { tableOptions } from './options/tables.js'
import { type Address, addressOf, type PostgresPassword } from './options/url.js'

/** The options of `postgres()`. */
export interface PostgresOptions {
  /**
   * `postgres://user:password@host:5432/database`, with `?sslmode=require` for TLS, or `?host=/run/postgresql` for a unix socket. Default:
   * `postgres://localhost`.
   */
  readonly url?: string | undefined
  /** Replaces the host of the URL. */
  readonly host?: string | undefined
  /** Replaces the port of the URL. */
  readonly port?: number | undefined
  /** Replaces the user of the URL. */
  readonly user?: string | undefined
  /** Replaces the password of the URL. A function is asked before each connection, for tokens that expire. */
  readonly password?: PostgresPassword | undefined
  /** Replaces the database of the URL. Default: the name of the user. */
  readonly database?: string | undefined
  /** TLS with these options of Node's `tls.connect`, or with its defaults. Certificates are checked. Default: what the URL says. */
  readonly tls?: ConnectionOptions | boolean | undefined
  /** Uses a pool of the application instead of connections of its own. One of its connections is held. It is not ended. */
  readonly pool?: PostgresPool | undefined
  /** The schema of the tables: 1 to 40 lower-case letters, digits and `_`. Default: `mq`. */
  readonly schema?: string | undefined
  /** Makes and raises the tables when it connects. If false, they have to be there: see `migrations()`. Default: true. */
  readonly migrate?: boolean | undefined
  /**
   * Learns of new messages by `LISTEN`, and shows that its process is there by a lock of its session. Set it to false behind a pooler in
   * transaction mode, which has no sessions; then messages are found every `pollMs`. Default: true.
   */
  readonly listen?: boolean | undefined
  /** How many connections it opens at most, in addition to the one that listens. At least 2. Default: 6. */
  readonly poolSize?: number | undefined
  /** The `application_name` of every connection. Default: `mq`. */
  readonly applicationName?: string | undefined
  /**
   * How long a message stays with a process that no longer says that it is there, although its session has not ended. An event loop that is
   * blocked for longer loses the messages it is handling. If the session has ended, its messages run again within 5 s. Default: 75,000 ms.
   */
  readonly visibilityMs?: number | undefined
  /** How often a process looks for messages of which nobody has told it. Default: 500 ms. */
  readonly pollMs?: number | undefined
  /** The time limit of opening a connection, and of waiting for a free one. Default: 10,000 ms. */
  readonly connectTimeoutMs?: number | undefined
  /** The time limit of a statement, unless bytes still arrive. Default: 5,000 ms. */
  readonly commandTimeoutMs?: number | undefined
  /** The maximum size of a message. Larger ones are refused. Default: 900 KiB. */
  readonly maxMessageBytes?: number | undefined
  /**
   * How many messages a topic keeps after every group has finished them, or while it has no group. Groups that start `earliest` read them.
   * Default: 1,000.
   */
  readonly retain?: number | undefined
  /** How long a second publish with the same id is ignored. 0 turns this off. Default: 300,000 ms. */
  readonly dedupeMs?: number | undefined
}

const optionNames = keysOf<PostgresOptions>()({
  ...tableOptions,
  poolSize: true,
  visibilityMs: true,
  pollMs: true,
  maxMessageBytes: true,
  retain: true,
  dedupeMs: true,
})

/** The checked options. */
export interface Settings {
  readonly address: Address
  readonly pool: PostgresPool | undefined
  readonly schema: string
  readonly migrate: boolean
  readonly listen: boolean
  readonly poolSize: number
  readonly applicationName: string
  readonly visibilityMs: number
  readonly pollMs: number
  readonly connectTimeoutMs: number
  readonly commandTimeoutMs: number
  readonly maxMessageBytes: number
  readonly retain: number
  readonly dedupeMs: number
}

const dayMs = 86_400_000

/** Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`. No error shows a password. */
export function settingsOf(options: PostgresOptions): Settings {
  requireKnownOptions(options, optionNames, 'postgres()')
  return {
    address: addressOf(options),
    pool: requirePool(options.pool),
    schema: schemaOf(options.schema ?? 'mq'),
    migrate: booleanOption(options, 'migrate', true),
    listen: booleanOption(options, 'listen', true),
    poolSize: integerOption(options, 'poolSize', { fallback: 6, min: 2, max: 1_000 }),
    applicationName: textOption(options, 'applicationName', { mayBeEmpty: false }) ?? 'mq',
    visibilityMs: integerOption(options, 'visibilityMs', { fallback: 75_000, min: 500, max: dayMs }),
    pollMs: integerOption(options, 'pollMs', { fallback: 500, min: 10, max: 5_000 }),
    connectTimeoutMs: integerOption(options, 'connectTimeoutMs', { fallback: 10_000, min: 100, max: dayMs }),
    commandTimeoutMs: integerOption(options, 'commandTimeoutMs', { fallback: 5_000, min: 100, max: dayMs }),
    maxMessageBytes: integerOption(options, 'maxMessageBytes', {
      fallback: defaultMaxMessageBytes,
      min: 1,
      max: 128 * 2 ** 20,
    }),
    retain: integerOption(options, 'retain', { fallback: 1_000, min: 0, max: 100_000_000 }),
    dedupeMs: integerOption(options, 'dedupeMs', { fallback: 300_000, min: 0, max: 7 * dayMs }),
  }
}

/** Checks the option `schema`. */
export function schemaOf(schema: unknown): string {
  if (typeof schema !== 'string') throw new TypeError(`schema must be a string, not ${typeof schema}`)
  if (/^[a-z_][a-z0-9_]{0,39}$/.test(schema) && !schema.startsWith('pg_')) return schema
  const rule = "1 to 40 lower-case letters, digits and '_', with no digit and no 'pg_' in front"
  throw new MqError('MQ_INVALID_OPTION', `schema has ${rule}`)
}
