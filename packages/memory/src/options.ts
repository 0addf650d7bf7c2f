import { type Clock, defaultMaxMessageBytes, MqError, requireName, systemClock } from '@mq/core/adapter'
import { Broker, type BrokerOptions } from './broker.js'

export interface MemoryOptions {
  /** `memory:` for a broker of this adapter's own, `memory://name` for one that all adapters of this process share by that name. */
  readonly url?: string
  /** The time of the broker and of every queue on it. The real one where none is given. */
  readonly clock?: Clock
  /** Messages held at once, each group's copy counted. Beyond it publishing is refused. 1,000,000 where none is given. */
  readonly maxMessages?: number
  /** Their bodies, likewise. 512 MiB where none is given. */
  readonly maxBytes?: number
  /** A larger message is refused. 900 KiB where none is given. */
  readonly maxMessageBytes?: number
  /** How many messages a topic keeps for groups that start `earliest`, at most 16 MiB. 1,000 where none is given. */
  readonly retain?: number
  /** For how long a second publish with the same id is ignored, for the latest 50,000 ids of a topic at least. 5 minutes where none is given. */
  readonly dedupeMs?: number
}

const optionNames: readonly string[] = [
  'url',
  'clock',
  'maxMessages',
  'maxBytes',
  'maxMessageBytes',
  'retain',
  'dedupeMs',
] satisfies (keyof MemoryOptions)[]

export interface MemorySettings extends BrokerOptions {
  readonly maxMessageBytes: number
  /** Undefined for a broker of one's own. */
  readonly sharedName: string | undefined
}

/** Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`. */
export function settingsOf(options: MemoryOptions): MemorySettings {
  if (typeof options !== 'object' || options === null) throw new TypeError('memory() takes an object of options')
  for (const name of Object.keys(options)) {
    if (!optionNames.includes(name)) {
      throw new MqError('MQ_INVALID_OPTION', `memory() has no option '${name}'. Known: ${optionNames.join(', ')}`)
    }
  }
  const count = (
    name: 'maxMessages' | 'maxBytes' | 'maxMessageBytes' | 'retain' | 'dedupeMs',
    fallback: number,
  ): number => {
    const value: unknown = options[name] ?? fallback
    const least = name === 'retain' || name === 'dedupeMs' ? 0 : 1
    if (typeof value !== 'number') throw new TypeError(`${name} must be a number, not ${typeof value}`)
    if (Number.isSafeInteger(value) && value >= least) return value
    throw new MqError('MQ_INVALID_OPTION', `${name} must be a whole number from ${least}, not ${value}`)
  }
  return {
    clock: options.clock ?? systemClock,
    maxMessages: count('maxMessages', 1_000_000),
    maxBytes: count('maxBytes', 512 * 1024 * 1024),
    maxMessageBytes: count('maxMessageBytes', defaultMaxMessageBytes),
    retain: count('retain', 1_000),
    dedupeMs: count('dedupeMs', 300_000),
    sharedName: sharedNameOf(options.url ?? 'memory:'),
  }
}

function sharedNameOf(url: unknown): string | undefined {
  if (typeof url !== 'string') throw new TypeError(`url must be a string, not ${typeof url}`)
  if (url === 'memory:' || url === 'memory://') return undefined
  const name = /^memory:\/\/([^/?#@:]+)\/?$/.exec(url)?.[1]
  if (name === undefined) {
    throw new MqError(
      'MQ_INVALID_URL',
      "The URL of the embedded broker is 'memory:', or 'memory://name' for a shared one",
    )
  }
  return requireName(name, 'name of the shared broker')
}

/** The brokers that adapters of this process share. They live as long as the process. */
const shared = new Map<string, Broker>()

/** The first adapter that names a shared broker makes it, with its options. */
export function brokerFor(settings: MemorySettings): Broker {
  const { sharedName } = settings
  if (sharedName === undefined) return new Broker(settings)
  const found = shared.get(sharedName) ?? new Broker(settings)
  if (found.clock !== settings.clock) {
    throw new MqError('MQ_INVALID_OPTION', `The shared broker '${sharedName}' was made with another clock`)
  }
  shared.set(sharedName, found)
  return found
}
