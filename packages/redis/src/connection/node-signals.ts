import { MqError, withTimeout } from '@mq/core/adapter'
import type { Redis } from 'ioredis'
import { limitHandshake } from './client-guards.js'
import { commandError, willPass } from './errors.js'

export interface NodeSignalsParts {
  /** The connection whose reads are remembered. */
  readonly node: Redis
  /** How long each step may take. */
  readonly timeoutMs: number
  /** Called with the name of a key that was read and has changed since, or without one if nobody knows which. */
  readonly onChange: (key?: string) => void
  /** Called when `isOn` may have changed. */
  readonly onState: () => void
  /** Called once if the server refuses. */
  readonly onRefused: (error: MqError) => void
}

const channel = '__redis__:invalidate'
const retryMs = 1_000
/** How often a server that refuses is asked again. */
const refusedRetryMs = 60_000
const pingMs = 5_000

/**
 * Reports which of the keys that a connection has read have changed, as `CLIENT TRACKING` does. The reports come over a second connection to
 * the same server. A key is reported once, and again only after it was read again.
 */
export class NodeSignals {
  readonly #parts: NodeSignalsParts
  #client: Redis | undefined
  #isOn = false
  #isClosed = false
  #isRefused = false
  #retry: NodeJS.Timeout | undefined
  #ping: NodeJS.Timeout | undefined

  constructor(parts: NodeSignalsParts) {
    this.#parts = parts
    parts.node.on('ready', () => this.#start())
    parts.node.on('close', () => this.#stop())
    if (parts.node.status === 'ready') this.#start()
  }

  /** Whether every change is reported. It is, too, as long as the node has no connection that could have read anything. */
  get isOn(): boolean {
    return this.#isOn || this.#parts.node.status !== 'ready'
  }

  close(): void {
    this.#isClosed = true
    this.#stop()
  }

  #stop(): void {
    clearTimeout(this.#retry)
    clearInterval(this.#ping)
    this.#isOn = false
    const client = this.#client
    this.#client = undefined
    client?.disconnect()
    this.#parts.onState()
  }

  #start(): void {
    this.#stop()
    if (this.#isClosed) return
    const { node, timeoutMs, onChange } = this.#parts
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
    client.on('messageBuffer', (_: Buffer, keys: unknown) => {
      if (!Array.isArray(keys)) return onChange()
      for (const key of keys) onChange(String(key))
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
    await this.#parts.node.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(id))
    if (client !== this.#client) return
    this.#isOn = true
    this.#isRefused = false
    this.#ping = setInterval(() => {
      const { timeoutMs } = this.#parts
      withTimeout(client.call('PING'), timeoutMs, () => new Error('no answer')).catch(() => client.disconnect())
    }, pingMs)
    this.#parts.onState()
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
