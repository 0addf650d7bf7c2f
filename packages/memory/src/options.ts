import {
  type Clock,
  defaultMaxMessageBytes,
  integerOption,
  keysOf,
  MqError,
  requireKnownOptions,
  requireName,
  systemClock,
  textOption,
} from '@mq/core/adapter'
import { Broker, type BrokerOptions } from './broker.js'

export interface MemoryOptions {
  /** `memory:` gives this adapter a broker of its own. All adapters of this process with `memory://name` share one. Default: `memory:`. */
  readonly url?: string | undefined
  /** The time of the broker and of every queue on it. Default: the real time. */
  readonly clock?: Clock | undefined
  /** Limits the messages held at once, each group's copy counted. Beyond it publishing is refused. Default: 1,000,000. */
  readonly maxMessages?: number | undefined
  /** Limits the bytes of their bodies, counted likewise. Default: 512 MiB. */
  readonly maxBytes?: number | undefined
  /** A larger message is refused. Default: 900 KiB. */
  readonly maxMessageBytes?: number | undefined
  /** How many messages a topic keeps for groups that start with `earliest`, up to 16 MiB. Default: 1,000. */
  readonly retain?: number | undefined
  /** How long a second publish with the same id is ignored, for at least the latest 50,000 ids of a topic. Default: 5 minutes. */
  readonly dedupeMs?: number | undefined
}

const optionNames = keysOf<MemoryOptions>()({
  url: true,
  clock: true,
  maxMessages: true,
  maxBytes: true,
  maxMessageBytes: true,
  retain: true,
  dedupeMs: true,
})

export interface MemorySettings extends BrokerOptions {
  readonly maxMessageBytes: number
  /** Undefined if the adapter has a broker of its own. */
  readonly sharedName: string | undefined
}

/** Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`. */
export function settingsOf(options: MemoryOptions): MemorySettings {
  requireKnownOptions(options, optionNames, 'memory()')
  return {
    clock: options.clock ?? systemClock,
    maxMessages: integerOption(options, 'maxMessages', { fallback: 1_000_000, min: 1 }),
    maxBytes: integerOption(options, 'maxBytes', { fallback: 512 * 1024 * 1024, min: 1 }),
    maxMessageBytes: integerOption(options, 'maxMessageBytes', { fallback: defaultMaxMessageBytes, min: 1 }),
    retain: integerOption(options, 'retain', { fallback: 1_000, min: 0 }),
    dedupeMs: integerOption(options, 'dedupeMs', { fallback: 300_000, min: 0 }),
    sharedName: sharedNameOf(textOption(options, 'url') ?? 'memory:'),
  }
}

function sharedNameOf(url: string): string | undefined {
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

/** Returns the adapter's broker. The first adapter that names a shared broker creates it, with that adapter's options. */
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
