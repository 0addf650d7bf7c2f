import { connect as connectTcp, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs'

export interface ClientSettings {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly tls: ConnectionOptions | undefined
  readonly sasl: Sasl | undefined
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
}

export interface Sasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

/** The configuration with which this adapter makes its client, for one that somebody else makes. */
export function clientConfig(settings: ClientSettings): KafkaConfig {
  return {
    brokers: [...settings.brokers],
    clientId: settings.clientId,
    ...(settings.tls !== undefined && { ssl: settings.tls }),
    ...(settings.sasl !== undefined && { sasl: { ...settings.sasl } as NonNullable<KafkaConfig['sasl']> }),
    connectionTimeout: settings.connectTimeoutMs,
    authenticationTimeout: settings.connectTimeoutMs,
    requestTimeout: settings.requestTimeoutMs,
    // Every request has a deadline of its own in this adapter, some of them later than others.
    enforceRequestTimeout: false,
    // Failures reach callers and listeners; whatever kafkajs prints would come twice.
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
