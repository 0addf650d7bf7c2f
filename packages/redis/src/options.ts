import {
  booleanOption,
  defaultMaxMessageBytes,
  integerOption,
  keysOf,
  MqError,
  requireKnownOptions,
} from '@mq/core/adapter'
import {
  connectionOptionNames,
  dayMs,
  type LinkSettings,
  linkSettingsOf,
  type RedisConnectionOptions,
} from './options/connection.js'

/** The options of `redis()`. */
export interface RedisOptions extends RedisConnectionOptions {
  /** The beginning of every key: 1 to 100 letters, digits, `.`, `_`, `-` and `:`. Default: `mq`. */
  readonly prefix?: string | undefined
  /**
   * How long a message stays with a consumer that no longer renews its claim, although its process has not left the server. An event loop
   * that is blocked for longer loses the messages it is handling. If the process has ended, its messages run again within 5 s. Default:
   * 75,000 ms.
   */
  readonly visibilityMs?: number | undefined
  /** How often consumers look for messages if the server does not report changed keys. At most half of `commandTimeoutMs`. Default: 100 ms. */
  readonly pollMs?: number | undefined
  /** The maximum size of a message. Larger ones are refused. Default: 900 KiB. */
  readonly maxMessageBytes?: number | undefined
  /**
   * How many messages a topic keeps after every group has finished them, or while it has no group. Groups that start `earliest` read
   * them, and an ephemeral subscription may fall this far behind. They are given up sooner if the broker's memory is full. At least 100.
   * Default: 1,000.
   */
  readonly retain?: number | undefined
  /**
   * How long a second publish with the same id is ignored. Of each topic, at least the latest 100,000 ids are remembered. 0 turns this
   * off; a publish whose answer was lost is then not tried again. Default: 300,000 ms.
   */
  readonly dedupeMs?: number | undefined
  /** Lets a publish resolve only once this many replicas have it (`WAIT`). Not available with `cluster`. */
  readonly waitForReplicas?: { readonly replicas: number; readonly timeoutMs: number } | undefined
  /**
   * Lets a publish resolve only once it is in the append-only file of the server (`local`, 0 or 1) and of this many replicas (`WAITAOF`,
   * Redis 7.2). Not available with `cluster`.
   */
  readonly waitForAof?: { readonly local: 0 | 1; readonly replicas: number; readonly timeoutMs: number } | undefined
  /** Emits an `error` event as a warning if the broker writes no append-only file. Default: true. */
  readonly checkPersistence?: boolean | undefined
  /** Refuses to connect if the broker's `maxmemory-policy` would evict messages. Default: true. */
  readonly checkEviction?: boolean | undefined
}

const ownNames = keysOf<Omit<RedisOptions, keyof RedisConnectionOptions>>()({
  prefix: true,
  visibilityMs: true,
  pollMs: true,
  maxMessageBytes: true,
  retain: true,
  dedupeMs: true,
  waitForReplicas: true,
  waitForAof: true,
  checkPersistence: true,
  checkEviction: true,
})
const optionNames = [...connectionOptionNames, ...ownNames]

type ReplicasOption = NonNullable<RedisOptions['waitForReplicas']>
type AofOption = NonNullable<RedisOptions['waitForAof']>

const replicasOptionNames = keysOf<ReplicasOption>()({ replicas: true, timeoutMs: true })
const aofOptionNames = keysOf<AofOption>()({ local: true, replicas: true, timeoutMs: true })

/** The checked options. */
export interface Settings extends LinkSettings {
  readonly prefix: string
  readonly visibilityMs: number
  readonly pollMs: number
  readonly maxMessageBytes: number
  readonly retain: number
  readonly dedupeMs: number
  readonly wait: WaitCommand | undefined
  readonly checkPersistence: boolean
  readonly checkEviction: boolean
}

/** The command that follows each write. Its arguments are the numbers of copies that it has to report. */
export interface WaitCommand {
  readonly name: 'WAIT' | 'WAITAOF'
  readonly args: readonly number[]
  readonly timeoutMs: number
}

/** Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`. No error shows a password. */
export function settingsOf(options: RedisOptions): Settings {
  requireKnownOptions(options, optionNames, 'redis()')
  const link = linkSettingsOf(options)
  const { commandTimeoutMs } = link
  const pollMs = integerOption(options, 'pollMs', { fallback: 100, min: 10, max: 1_000 })
  if (commandTimeoutMs < 2 * pollMs) {
    // A look has to be answered before the next one is due.
    const text = `commandTimeoutMs must be at least twice pollMs, and ${commandTimeoutMs} is less than 2 * ${pollMs}`
    throw new MqError('MQ_INVALID_OPTION', text)
  }
  return {
    ...link,
    prefix: prefixOf(options.prefix ?? 'mq'),
    visibilityMs: integerOption(options, 'visibilityMs', { fallback: 75_000, min: 500, max: dayMs }),
    pollMs,
    maxMessageBytes: integerOption(options, 'maxMessageBytes', {
      fallback: defaultMaxMessageBytes,
      min: 1,
      max: 256 * 2 ** 20,
    }),
    retain: integerOption(options, 'retain', { fallback: 1_000, min: 100, max: 100_000_000 }),
    dedupeMs: integerOption(options, 'dedupeMs', { fallback: 300_000, min: 0, max: 7 * dayMs }),
    wait: waitOf(options),
    checkPersistence: booleanOption(options, 'checkPersistence', true),
    checkEviction: booleanOption(options, 'checkEviction', true),
  }
}

/** Checks the option `prefix`. */
export function prefixOf(prefix: unknown): string {
  if (typeof prefix !== 'string') throw new TypeError(`prefix must be a string, not ${typeof prefix}`)
  // Braces would move the hash tag and spread the keys of one topic over several slots.
  if (/^[\w.:-]{1,100}$/.test(prefix)) return prefix
  throw new MqError('MQ_INVALID_OPTION', "prefix has 1 to 100 letters, digits, '.', '_', '-' and ':'")
}

function waitOf({ waitForReplicas, waitForAof, cluster }: RedisOptions): WaitCommand | undefined {
  const wait = waitForReplicas === undefined ? waitForAof && aofWaitOf(waitForAof) : replicasWaitOf(waitForReplicas)
  if (wait === undefined) return undefined
  if (cluster !== undefined) throw new MqError('MQ_INVALID_OPTION', 'WAIT and WAITAOF cannot be sent to a cluster')
  if (waitForReplicas === undefined || waitForAof === undefined) return wait
  throw new MqError('MQ_INVALID_OPTION', 'waitForReplicas and waitForAof exclude each other')
}

function replicasWaitOf(option: ReplicasOption): WaitCommand {
  requireKnownOptions(option, replicasOptionNames, 'waitForReplicas')
  const replicas = integerOption(option, 'replicas', { fallback: 1, min: 1, max: 100 })
  return { name: 'WAIT', args: [replicas], timeoutMs: integerOption(option, 'timeoutMs', waitTimeouts) }
}

function aofWaitOf(option: AofOption): WaitCommand {
  requireKnownOptions(option, aofOptionNames, 'waitForAof')
  const local = integerOption(option, 'local', { fallback: 1, min: 0, max: 1 })
  const replicas = integerOption(option, 'replicas', { fallback: 0, min: 0, max: 100 })
  return { name: 'WAITAOF', args: [local, replicas], timeoutMs: integerOption(option, 'timeoutMs', waitTimeouts) }
}

const waitTimeouts = { fallback: 1_000, min: 1, max: 60_000 }
