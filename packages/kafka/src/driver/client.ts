import { connect as connectTcp, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs'

export type { Kafka, KafkaConfig } from 'kafkajs'

export interface ClientSettings {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly tls: ConnectionOptions | undefined
  readonly sasl: Sasl | undefined
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
}

/** A login. */
export interface Sasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

/** Returns the configuration of this adapter's client, which the option `createClient` takes too. */
export function clientConfig(settings: ClientSettings): KafkaConfig {
  return {
    brokers: [...settings.brokers],
    clientId: settings.clientId,
    ...(settings.tls !== undefined && { ssl: settings.tls }),
    ...(settings.sasl !== undefined && { sasl: { ...settings.sasl } as NonNullable<KafkaConfig['sasl']> }),
    connectionTimeout: settings.connectTimeoutMs,
    authenticationTimeout: settings.connectTimeoutMs,
    requestTimeout: settings.requestTimeoutMs,
    // The adapter limits the time of each request itself, as some may take longer than others.
    enforceRequestTimeout: false,
    // Failures reach callers and listeners already.
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    socketFactory: ({ host, port, ssl, onConnect }) => openSocket({ host, port, tls: ssl, onConnect }),
  }
}

export const defaultClient = (config: KafkaConfig): Kafka => new Kafka(config)

function openSocket(options: {
  readonly host: string
  readonly port: number
  readonly tls: ConnectionOptions
  readonly onConnect: () => void
}): Socket {
  const { host, port, tls, onConnect } = options
  const socket = tls
    ? connectTls({ host, port, ...(!/^[\d.]+$|:/.test(host) && { servername: host }), ...tls }, onConnect)
    : connectTcp({ host, port }, onConnect)
  return socket.setNoDelay(true).setKeepAlive(true, 30_000)
}
