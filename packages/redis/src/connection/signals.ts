import type { MqError } from '@mq/core/adapter'
import type { Redis } from 'ioredis'
import type { Client } from './client.js'
import { eachNode } from './client-guards.js'
import { NodeSignals, type OnReport } from './node-signals.js'
import { Waiters } from './waiters.js'

export interface SignalsParts {
  readonly timeoutMs: number
  readonly onReport: OnReport
  /** The channel whose subscription shows each node that this process is there. */
  readonly presenceChannel: string
  /** Called with whether every change is reported, when that has changed. */
  readonly onState: (areOn: boolean) => void
  readonly onRefused: (error: MqError) => void
}

/** Reports which of the keys that a client has read have changed, for each node to which the client is connected. */
export class Signals {
  readonly #parts: SignalsParts
  readonly #nodes = new Map<Redis, NodeSignals>()
  #isClosed = false
  #isRefused = false
  #areOn = false
  #isPresent = false
  readonly #known = new Waiters()

  constructor(parts: SignalsParts) {
    this.#parts = parts
  }

  /** Begins with another client, which takes the place of the one before. */
  attach(client: Client): void {
    for (const node of [...this.#nodes.keys()]) this.#remove(node)
    eachNode(client, (node) => this.#add(node))
    if ('nodes' in client) client.on('-node', (node) => this.#remove(node))
  }

  /** Whether each node that this process is connected to sees that it is there. */
  get isPresent(): boolean {
    return this.#isPresent
  }

  /** Resolves once it is known whether the servers see this process, or after the time given. */
  async settled(timeoutMs: number): Promise<void> {
    if (!this.#areOn && !this.#isRefused && !this.#isClosed) await this.#known.wait(timeoutMs)
  }

  /** Finds out whether every change is reported, and whether the servers see this process. */
  #update(): void {
    const nodes = [...this.#nodes.values()]
    const areOn = nodes.length > 0 && nodes.every(({ isOn }) => isOn)
    this.#isPresent = nodes.some(({ isPresent }) => isPresent) && nodes.every((node) => node.isPresent || !node.isUp)
    if (areOn) this.#known.wake()
    if (areOn !== this.#areOn) this.#parts.onState(areOn)
    else this.#parts.onReport(undefined, null)
    this.#areOn = areOn
  }

  close(): void {
    this.#isClosed = true
    this.#known.wake()
    for (const node of [...this.#nodes.keys()]) this.#remove(node)
  }

  #add(node: Redis): void {
    if (this.#isClosed || this.#nodes.has(node)) return
    const { timeoutMs, onReport, presenceChannel } = this.#parts
    const onState = (): void => this.#update()
    const onRefused = (error: MqError): void => this.#refuse(error)
    this.#nodes.set(node, new NodeSignals({ node, timeoutMs, onReport, presenceChannel, onState, onRefused }))
    this.#update()
  }

  #remove(node: Redis): void {
    this.#nodes.get(node)?.close()
    this.#nodes.delete(node)
    this.#update()
  }

  #refuse(error: MqError): void {
    if (this.#isRefused) return
    this.#isRefused = true
    this.#known.wake()
    this.#parts.onRefused(error)
  }
}
