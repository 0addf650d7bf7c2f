import { MqError, withTimeout } from '@mq/core/adapter'
import type { Channel, ChannelModel, ConfirmChannel, SocketOptions } from 'amqplib'
import type { Endpoint } from '../options/url.js'
import type { Settings } from '../options.js'
import { connectError, isClosedDriver, isRefusedLogin, reply, replyCode } from './errors.js'

/** Two connections, so that a blocked publisher does not stop acknowledgements. */
export type Purpose = 'publish' | 'consume'

/**
 * How long the broker may take to answer a request on a connection that stands: after a restart it declares nothing until all
 * its queues are up. A connection that is dead is known sooner, by its heartbeats.
 */
export const answerTimeoutMs = 25_000

/** How long a polite close may take: amqplib waits for ever when the peer has gone. */
const closeTimeoutMs = 1_000

/**
 * Tries each host once, for as long as `signal` is not aborted. Rejects with `MQ_CONNECT_FAILED`, `MQ_CONNECT_TIMEOUT`,
 * `MQ_AUTH_FAILED` or `MQ_TLS_FAILED`.
 */
export async function openConnection(
  settings: Settings,
  { purpose, signal }: Pick<Attempt, 'purpose' | 'signal'>,
): Promise<ChannelModel> {
  const endsAt = Date.now() + settings.connectTimeoutMs
  const { endpoints } = settings
  let failure: MqError | undefined
  for (const [index, endpoint] of endpoints.entries()) {
    if (signal.aborted) break
    const shareMs = Math.max(1, Math.floor((endsAt - Date.now()) / (endpoints.length - index)))
    try {
      return await openOne(settings, { endpoint, purpose, signal, timeoutMs: shareMs })
    } catch (cause) {
      const error = connectError(cause, { ...endpoint, vhost: settings.vhost })
      // What a node says that is there tells more than that another one is not.
      if (failure?.code !== 'MQ_AUTH_FAILED') failure = error
      // The other nodes know the same users.
      if (isRefusedLogin(cause)) throw error
    }
  }
  throw failure ?? new MqError('MQ_CONNECT_FAILED', 'There is no host to connect to')
}

interface Attempt {
  readonly endpoint: Endpoint
  readonly purpose: Purpose
  readonly signal: AbortSignal
  readonly timeoutMs: number
}

async function openOne(settings: Settings, { endpoint, purpose, signal, timeoutMs }: Attempt): Promise<ChannelModel> {
  const address = {
    protocol: settings.isSecure ? 'amqps' : 'amqp',
    hostname: endpoint.host,
    port: endpoint.port,
    ...settings.login,
    // The driver decodes it, also when it comes in an object.
    vhost: encodeURIComponent(settings.vhost),
    heartbeat: settings.heartbeatSeconds,
  }
  const socketOptions: SocketOptions & { readonly signal: AbortSignal } = {
    ...(settings.isSecure && settings.tls),
    // Without it Nagle's algorithm makes every confirmation wait.
    noDelay: true,
    keepAlive: true,
    timeout: timeoutMs,
    clientProperties: { connection_name: `${settings.connectionName} (${purpose})` },
    // Ends the socket: there is no other way to it before the connection stands.
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

/** Ends a connection without asking the peer. */
export function destroy(connection: ChannelModel): void {
  connection.on('error', () => undefined)
  const { stream } = connection.connection as unknown as { stream?: { destroy?: (error: Error) => void } }
  // With an error: the driver does not notice a socket that is destroyed without one.
  stream?.destroy?.(new Error('The connection was given up'))
}

/** Says goodbye, waits a moment for the answer, then destroys. Never rejects. */
export async function closeConnection(connection: ChannelModel, timeoutMs: number): Promise<void> {
  await politely(() => connection.close(), timeoutMs)
  destroy(connection)
}

/** Those whose publishing the broker has stopped, and with it all else that they ask. */
const blocked = new WeakSet<ChannelModel>()

export function setBlocked(connection: ChannelModel, isBlocked: boolean): void {
  if (isBlocked) blocked.add(connection)
  else blocked.delete(connection)
}

export const isBlocked = (connection: ChannelModel): boolean => blocked.has(connection)

/** After an answer did not come: its successor may give one. One that is blocked is only slow. */
export function giveUpSilent(connection: ChannelModel): void {
  if (!isBlocked(connection)) destroy(connection)
}

/** A channel whose `error` is taken care of: unheard it would end its connection. */
export function openChannel(connection: ChannelModel, kind: 'confirm'): Promise<ConfirmChannel>
export function openChannel(connection: ChannelModel, kind: 'plain'): Promise<Channel>
export async function openChannel(connection: ChannelModel, kind: 'confirm' | 'plain'): Promise<Channel> {
  const opening = kind === 'confirm' ? connection.createConfirmChannel() : connection.createChannel()
  const late = (): MqError => new MqError('MQ_TIMEOUT', `RabbitMQ opened no channel in ${answerTimeoutMs} ms`)
  const channel = await withTimeout(opening, answerTimeoutMs, late).catch((error) => {
    opening.then(closeChannel, () => undefined)
    giveUpSilent(connection)
    // It has closed, maybe before anybody listened: what opened it and what closed it can come in one chunk.
    if (isClosedDriver(error)) connection.emit('close', error)
    throw error
  })
  channel.on('error', () => undefined)
  return channel
}

export const closeChannel = (channel: Channel): Promise<boolean> => politely(() => channel.close())

/** Does some work on a channel of its own, which a refusal may close without harm to anybody. */
export async function onChannel<T>(
  connection: ChannelModel,
  what: string,
  work: (channel: Channel) => Promise<T>,
): Promise<T> {
  const channel = await openChannel(connection, 'plain')
  try {
    const late = (): MqError => new MqError('MQ_TIMEOUT', `${what}: RabbitMQ gave no answer in ${answerTimeoutMs} ms`)
    return await withTimeout(work(channel), answerTimeoutMs, late)
  } finally {
    await closeChannel(channel)
  }
}

const declareTries = 4
const declareRetryMs = 50

/** As `onChannel`, again when something was deleted in the middle of it. */
export async function declareOn<T>(
  connection: ChannelModel,
  what: string,
  work: (channel: Channel) => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await onChannel(connection, what, work)
    } catch (error) {
      if (replyCode(error) !== reply.notFound || tries === declareTries) throw error
      await new Promise((resolve) => setTimeout(resolve, declareRetryMs))
    }
  }
}

/** Waits for what is only polite, a second at most. Never rejects; false when there was no answer. */
export async function politely(start: () => Promise<unknown>, timeoutMs = closeTimeoutMs): Promise<boolean> {
  try {
    await withTimeout(start(), Math.min(timeoutMs, closeTimeoutMs), () => new MqError('MQ_TIMEOUT', 'No answer'))
    return true
  } catch {
    // Closed already, or nobody there to answer.
    return false
  }
}
