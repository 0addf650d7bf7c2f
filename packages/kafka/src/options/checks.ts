import { MqError } from '@mq/core/adapter'
import type { Sasl } from '../driver/client.js'
import type { Compression } from '../driver/requests.js'

const invalid = (text: string): MqError => new MqError('MQ_INVALID_OPTION', text)

export function noBrokers(): never {
  throw invalid("kafka() needs a url such as 'kafka://localhost:9092', or brokers")
}

/** Returns the addresses with their ports. */
export function brokersOf(value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined
  if (!Array.isArray(value) || value.length === 0 || value.some((one) => typeof one !== 'string')) {
    throw new TypeError("brokers must be an array of strings such as ['localhost:9092']")
  }
  return value.map((broker: string) => {
    const found = /^([^\s/@:]+)(?::(\d{1,5}))?$/.exec(broker)
    // The text does not show it: it may be a URL with a password.
    if (found === null) throw invalid("Each of the brokers must be 'host:port'")
    return `${found[1]}:${found[2] ?? 9092}`
  })
}

const mechanisms: readonly string[] = ['plain', 'scram-sha-256', 'scram-sha-512'] satisfies Sasl['mechanism'][]

export function saslOf(value: unknown): Sasl | undefined {
  if (value === undefined) return undefined
  const { mechanism, username, password } = (value ?? {}) as Partial<Sasl>
  if (typeof username !== 'string' || typeof password !== 'string' || typeof mechanism !== 'string') {
    throw new TypeError('sasl must be { mechanism, username, password }, all of them strings')
  }
  if (mechanisms.includes(mechanism)) return { mechanism, username, password }
  throw invalid(`sasl.mechanism must be one of ${mechanisms.join(', ')}`)
}

const compressions: readonly string[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] satisfies Compression[]

export function compressionOf(value: unknown): Compression {
  if (value === undefined) return 'none'
  if (typeof value === 'string' && compressions.includes(value)) return value as Compression
  throw invalid(`compression must be one of ${compressions.join(', ')}`)
}

export function topicConfigOf(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Object.values(value).some((one) => typeof one !== 'string')) {
    throw new TypeError("topicConfig must be an object of strings such as { 'retention.ms': '604800000' }")
  }
  return { ...(value as Record<string, string>) }
}
