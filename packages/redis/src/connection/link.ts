import { closedError, MqError, withTimeout } from '@mq/core/adapter'
import type { Cluster, Redis } from 'ioredis'
import type { LinkSettings } from '../options/connection.js'
import { whereOf } from '../options/url.js'
import { type Client, createClient } from './client.js'
import { eachNode, limitHandshake, trackErrors } from './client-guards.js'
import { CommandError, commandError, connectError } from './errors.js'
import type { Argument, Script } from './script.js'
import { watchSilence } from './silence.js'
import { Waiters } from './waiters.js'

type Send = (command: string, args: readonly Argument[]) => Promise<unknown>

/**
 * Runs a script. Sends it once more, with its source, if the broker does not know it. Calls `onSent` right after each sending, before
 * anything else can be sent; the last call belongs to the sending that counted. Rejects with a `CommandError`.
 */
type RunScript = (
  script: Script,
  keys: readonly string[],
  args: readonly Argument[],
  onSent?: () => void,
) => Promise<unknown>

/** A connection (for a cluster, one to each node) that reconnects by itself. Each of its commands settles. */
export interface Link {
  /**
   * Rejects with `MQ_CONNECT_FAILED`, `MQ_CONNECT_TIMEOUT`, `MQ_AUTH_FAILED` or `MQ_TLS_FAILED`, or with `MQ_CLOSED` once the link is
   * closed. Leaves nothing open if it rejects.
   */
  open(): Promise<void>
  readonly isUp: boolean
  /** A closed link never comes up again, so there is nothing left to wait for. */
  readonly isClosed: boolean
  /** Whether the keys of a command have to lie in one slot. */
  readonly isCluster: boolean
  /** Counts how often the link came up. Replies to commands from before the last time may have been lost. */
  readonly generation: number
  /** Resolves once the link is up or closed, or after the time given. */
  whenUp(timeoutMs: number): Promise<void>
  /** Sends a command once and never repeats it. Rejects with a `CommandError`. */
  send(command: string, args: readonly Argument[], timeoutMs?: number): Promise<unknown>
  readonly run: RunScript
  close(): void
}

export interface LinkEvents {
  readonly onUp?: () => void
  readonly onDown?: (error: MqError) => void
  /** Called with each client before it connects. */
  readonly onClient?: (client: Client) => void
}

const restartMs = 500
/** A command gets additional time for its bytes, so that a connection of this speed does not pass for a dead one. */
const minBytesPerSecond = 10_000

export const createLink = (settings: LinkSettings, events: LinkEvents = {}): Link => new ClientLink(settings, events)

class ClientLink implements Link {
  readonly run = scriptRunner((command, args) => this.send(command, args))
  readonly #settings: LinkSettings
  readonly #events: LinkEvents
  readonly #watch = watchSilence(minBytesPerSecond)
  readonly #waiters = new Waiters()
  #client: Client | undefined
  #lastError = (): Error | undefined => undefined
  #isUp = false
  #isClosed = false
  #generation = 0
  #restart: NodeJS.Timeout | undefined
  #failOpening = (): void => {}

  constructor(settings: LinkSettings, events: LinkEvents) {
    this.#settings = settings
    this.#events = events
  }

  get isUp(): boolean {
    return this.#isUp
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get isCluster(): boolean {
    return this.#client !== undefined && 'nodes' in this.#client
  }

  get generation(): number {
    return this.#generation
  }

  async open(): Promise<void> {
    if (this.#isClosed) throw closedError()
    const { connectTimeoutMs, links } = this.#settings
    const client = this.#newClient()
    links.add(this)
    const timedOut = (): Error => Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })
    const closing = new Promise<never>((_, reject) => {
      this.#failOpening = () => reject(closedError())
    })
    try {
      await withTimeout(Promise.race([client.connect(), closing]), connectTimeoutMs, timedOut)
    } catch (error) {
      // `close` has disconnected the client already.
      if (this.#isClosed) throw closedError()
      links.delete(this)
      this.#client = undefined
      client.disconnect()
      throw connectError(this.#lastError() ?? error, { where: this.#where, timeoutMs: connectTimeoutMs })
    }
    if (this.#isClosed) throw closedError()
    this.#listen(client)
    this.#onReady()
  }

  async whenUp(timeoutMs: number): Promise<void> {
    if (!this.#isUp && !this.#isClosed) await this.#waiters.wait(timeoutMs)
  }

  async send(
    command: string,
    args: readonly Argument[],
    timeoutMs = this.#settings.commandTimeoutMs,
  ): Promise<unknown> {
    const client = this.#client
    if (!this.#isUp || client === undefined || !canSend(client)) {
      throw new CommandError('unsent', this.#lastError() ?? new Error('Not connected'))
    }
    const bytes = args.reduce<number>((sum, arg) => sum + (typeof arg === 'number' ? 8 : arg.length), 0)
    const onEnd = this.#watch.begin(client, { bytes, timeoutMs })
    try {
      return await client.callBuffer(command, [...args])
    } catch (error) {
      throw commandError(error)
    } finally {
      onEnd()
    }
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#restart)
    this.#isUp = false
    this.#waiters.wake()
    this.#settings.links.delete(this)
    this.#client?.disconnect()
    this.#failOpening()
  }

  get #where(): string {
    return whereOf(this.#settings.address)
  }

  #newClient(): Client {
    const client = createClient(this.#settings)
    this.#client = client
    this.#lastError = trackErrors(client)
    this.#events.onClient?.(client)
    return client
  }

  #listen(client: Client): void {
    limitHandshake(client, this.#settings.connectTimeoutMs)
    client.on('ready', () => this.#onReady())
    client.on('close', () => this.#onClose())
    if ('nodes' in client) reconnectWhenAlone(client)
    // ioredis gives up for good if a connector fails. Only a new client connects again.
    client.on('end', () => {
      this.#onClose()
      if (this.#client === client && !this.#isClosed) this.#restart = setTimeout(() => this.#reconnect(), restartMs)
    })
  }

  #reconnect(): void {
    const client = this.#newClient()
    this.#listen(client)
    client.connect().catch(() => {})
  }

  #onReady(): void {
    this.#isUp = true
    this.#generation += 1
    this.#waiters.wake()
    this.#events.onUp?.()
  }

  #onClose(): void {
    if (!this.#isUp) return
    this.#isUp = false
    if (this.#isClosed) return
    const cause = this.#lastError() ?? new Error('The connection was closed')
    const text = `Lost the connection to Redis at ${this.#where}: ${cause.message}`
    this.#events.onDown?.(new MqError('MQ_CONNECTION_LOST', text, { cause }))
  }
}

/** A cluster that knows no node would keep the command until it knows one, also when nobody waits for it any more. */
const canSend = (client: Client): boolean =>
  client.status === 'ready' && !('nodes' in client && client.nodes().length === 0)

/** ioredis calls a cluster connected as long as it knows a node, even if the last connection to any has ended. */
function reconnectWhenAlone(client: Cluster): void {
  const connected = new Set<Redis>()
  eachNode(client, (node) => {
    if (node.status === 'ready') connected.add(node)
    node.on('ready', () => connected.add(node))
  })
  client.on('-node', (node: Redis) => {
    if (connected.delete(node) && connected.size === 0 && client.status === 'ready') client.disconnect(true)
  })
}

/** Creates the function that runs scripts over a connection. */
export const scriptRunner =
  (send: Send): RunScript =>
  async (script, keys, args, onSent) => {
    const rest = [keys.length, ...keys, ...args]
    const sendAs = (command: string, shaOrSource: string): Promise<unknown> => {
      const reply = send(command, [shaOrSource, ...rest])
      onSent?.()
      return reply
    }
    try {
      return await sendAs('EVALSHA', script.sha)
    } catch (error) {
      if (!(error instanceof CommandError) || error.word !== 'NOSCRIPT') throw error
      return await sendAs('EVAL', script.source)
    }
  }
