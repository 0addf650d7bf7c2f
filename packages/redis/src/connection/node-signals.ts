import { MqError, withTimeout } from '@mq/core/adapter'
import type { Redis } from 'ioredis'
import { limitHandshake } from './client-guards.js'
import { commandError, willPass } from './errors.js'

/** Called with the keys that were read and have changed since, or with null if any may have changed. */
export type OnReport = (channel: unknown, keys: readonly Buffer[] | null) => void

export interface NodeSignalsParts {
  /** The connection whose reads are remembered. */
  readonly node: Redis
  /** How long each step may take. */
  readonly timeoutMs: number
  readonly onReport: OnReport
  /** The channel whose subscription shows the server that this process is there. */
  readonly presenceChannel: string
  /** Called when `isOn` or `isPresent` may have changed. */
  readonly onState: () => void
  /** Called once if the server refuses. */
  readonly onRefused: (error: MqError) => void
}

const channel = '__redis__:invalidate'
const retryMs = 1_000
/** How often a server that refuses is asked again. */
const refusedRetryMs = 60_000
/** How often the server is asked whether it still reports. */
const checkMs = 5_000

/**
 * Reports which of the keys that a connection has read have changed, as `CLIENT TRACKING` does. The reports come over a second connection to
 * the same server. A key is reported once, and again only after it was read again.
 */
export class NodeSignals {
  readonly #parts: NodeSignalsParts
  #client: Redis | undefined
  #isOn = false
  #isPresent = false
  #isClosed = false
  #isRefused = false
  #retry: NodeJS.Timeout | undefined
  #check: NodeJS.Timeout | undefined

  constructor(parts: NodeSignalsParts) {
    this.#parts = parts
    parts.node.on('ready', () => this.#start())
    parts.node.on('close', () => this.#stop())
    if (parts.node.status === 'ready') this.#start()
  }

  /** Whether every change is reported. It is, too, as long as the node has no connection that could have read anything. */
  get isOn(): boolean {
    return this.#isOn || !this.isUp
  }

  get isUp(): boolean {
    return this.#parts.node.status === 'ready'
  }

  /** Whether the server sees that this process is there. It sees the end of the process as soon as the connection ends. */
  get isPresent(): boolean {
    return this.#isPresent
  }

  close(): void {
    this.#isClosed = true
    this.#stop()
  }

  #stop(): void {
    clearTimeout(this.#retry)
    clearInterval(this.#check)
    this.#isOn = false
    this.#isPresent = false
    const client = this.#client
    this.#client = undefined
    client?.disconnect()
    this.#parts.onState()
  }

  #start(): void {
    this.#stop()
    if (this.#isClosed) return
    const { node, timeoutMs, onReport } = this.#parts
    const client = node.duplicate({
      lazyConnect: true,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      protocol: 2,
    })
    this.#client = client
    client.on('error', () => {})
    client.on('close', () => this.#again(client, retryMs))
    // The driver takes all messages of a channel for texts.
    client.on('messageBuffer', (from: Buffer, keys: unknown) => {
      if (String(from) === channel) onReport(from, keys as readonly Buffer[] | null)
    })
    limitHandshake(client, timeoutMs)
    withTimeout(this.#track(client), 3 * timeoutMs, () => new Error('no answer')).catch((error) => {
      const failed = commandError(error)
      // After a failover the two connections may lead to two servers for a moment.
      const isRefused = failed.kind === 'refused' && !willPass(failed) && !/does not exist/.test(failed.message)
      if (isRefused) this.#refuse(failed)
      this.#again(client, isRefused ? refusedRetryMs : retryMs)
      client.disconnect()
    })
  }

  async #track(client: Redis): Promise<void> {
    await client.connect()
    const id = await client.call('CLIENT', 'ID')
    await client.subscribe(channel)
    const isPresent = await this.#subscribePresence(client)
    await this.#parts.node.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(id))
    if (client !== this.#client) return
    this.#isOn = true
    this.#isPresent = isPresent
    this.#isRefused = false
    this.#check = setInterval(() => {
      const { timeoutMs } = this.#parts
      withTimeout(this.#isReporting(client, id), timeoutMs, () => new Error('no answer'))
        .catch(() => false)
        .then((isReporting) => isReporting || client.disconnect())
    }, checkMs)
    this.#parts.onState()
  }

  /** A user may lack the right to the channel. Others then learn of the end of this process from its claims alone. */
  async #subscribePresence(client: Redis): Promise<boolean> {
    try {
      await client.subscribe(this.#parts.presenceChannel)
      return true
    } catch (error) {
      if (commandError(error).kind !== 'refused') throw error
      return false
    }
  }

  /** Whether both connections are there and the server still remembers what the node reads. Nobody says so when that ends. */
  async #isReporting(client: Redis, id: unknown): Promise<boolean> {
    const asked = this.#parts.node.call('CLIENT', 'TRACKINGINFO').catch((error) => {
      // A user may be allowed less.
      if (commandError(error).kind !== 'refused') throw error
    })
    const [info] = await Promise.all([asked, client.call('PING')])
    if (info === undefined) return true
    const [, flags, , redirect] = info as readonly [unknown, readonly unknown[], unknown, unknown]
    return flags.includes('on') && !flags.includes('broken_redirect') && String(redirect) === String(id)
  }

  #again(client: Redis, afterMs: number): void {
    if (client !== this.#client) return
    this.#stop()
    if (!this.#isClosed && this.#parts.node.status === 'ready') this.#retry = setTimeout(() => this.#start(), afterMs)
  }

  #refuse(cause: Error): void {
    if (this.#isRefused) return
    this.#isRefused = true
    const text = `Redis reports no changes of keys (${cause.message}), so that consumers look for messages every pollMs`
    this.#parts.onRefused(new MqError('MQ_OPERATION_FAILED', text, { cause }))
  }
}
