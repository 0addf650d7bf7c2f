import { hostname } from 'node:os'
import { MqError, withTimeout } from '@mq/core/adapter'
import type { ChannelModel, SocketOptions } from 'amqplib'
import type { Endpoint } from '../options/url.js'
import type { Settings } from '../options.js'
import { destroy } from './close.js'
import { connectError, isRefusedLogin } from './errors.js'

/** There are two connections, so that a blocked publisher does not stop acknowledgements. */
export type Purpose = 'publish' | 'consume'

interface Attempt {
  readonly endpoint: Endpoint
  readonly purpose: Purpose
  readonly signal: AbortSignal
  readonly timeoutMs: number
}

/**
 * Tries each host once, until `signal` aborts. Rejects with `MQ_CONNECT_FAILED`, `MQ_CONNECT_TIMEOUT`, `MQ_AUTH_FAILED` or
 * `MQ_TLS_FAILED`.
 */
export async function openConnection(
  settings: Settings,
  { purpose, signal }: Pick<Attempt, 'purpose' | 'signal'>,
): Promise<ChannelModel> {
  const endsAt = performance.now() + settings.connectTimeoutMs
  const { endpoints } = settings
  let failure: MqError | undefined
  for (const [index, endpoint] of endpoints.entries()) {
    if (signal.aborted) break
    const shareMs = Math.max(1, Math.floor((endsAt - performance.now()) / (endpoints.length - index)))
    try {
      return await openOne(settings, { endpoint, purpose, signal, timeoutMs: shareMs })
    } catch (cause) {
      const error = connectError(cause, { ...endpoint, vhost: settings.vhost })
      // A refusal by one node explains more than the absence of another.
      if (failure?.code !== 'MQ_AUTH_FAILED') failure = error
      // All nodes know the same users.
      if (isRefusedLogin(cause)) throw error
    }
  }
  throw failure ?? new MqError('MQ_CONNECT_FAILED', 'There is no host to connect to')
}

async function openOne(settings: Settings, { endpoint, purpose, signal, timeoutMs }: Attempt): Promise<ChannelModel> {
  const address = {
    protocol: settings.isSecure ? 'amqps' : 'amqp',
    hostname: endpoint.host,
    port: endpoint.port,
    ...settings.login,
    // The driver decodes the vhost of an object, too.
    vhost: encodeURIComponent(settings.vhost),
    heartbeat: settings.heartbeatSeconds,
  }
  const socketOptions: SocketOptions & { readonly signal: AbortSignal } = {
    ...(settings.isSecure && settings.tls),
    // With Nagle's algorithm every confirm would wait.
    noDelay: true,
    keepAlive: true,
    timeout: timeoutMs,
    clientProperties: { connection_name: `${settings.connectionName} on ${hostname()} (${purpose})` },
    // Before the connection is open, only the signal can end its socket.
    signal,
  }
  const opening = settings.createClient(address, socketOptions)
  const late = (): MqError => {
    const where = `${endpoint.host}:${endpoint.port}`
    return new MqError('MQ_CONNECT_TIMEOUT', `RabbitMQ at ${where} did not finish the connection in ${timeoutMs} ms`)
  }
  try {
    return await withTimeout(opening, timeoutMs, late)
  } catch (error) {
    opening.then(destroy, () => undefined)
    throw error
  }
}
