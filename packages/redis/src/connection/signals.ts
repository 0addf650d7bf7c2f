import type { MqError } from '@mq/core/adapter'
import type { Redis } from 'ioredis'
import type { Client } from './client.js'
import { eachNode } from './client-guards.js'
import { NodeSignals, type OnReport } from './node-signals.js'

export interface SignalsParts {
  readonly timeoutMs: number
  readonly onReport: OnReport
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

  constructor(parts: SignalsParts) {
    this.#parts = parts
  }

  /** Begins with another client, which takes the place of the one before. */
  attach(client: Client): void {
    for (const node of [...this.#nodes.keys()]) this.#remove(node)
    eachNode(client, (node) => this.#add(node))
    if ('nodes' in client) client.on('-node', (node) => this.#remove(node))
  }

  /** Finds out whether every change is reported. */
  #update(): void {
    const areOn = this.#nodes.size > 0 && [...this.#nodes.values()].every(({ isOn }) => isOn)
    if (areOn !== this.#areOn) this.#parts.onState(areOn)
    else this.#parts.onReport(undefined, null)
    this.#areOn = areOn
  }

  close(): void {
    this.#isClosed = true
    for (const node of [...this.#nodes.keys()]) this.#remove(node)
  }

  #add(node: Redis): void {
    if (this.#isClosed || this.#nodes.has(node)) return
    const { timeoutMs, onReport } = this.#parts
    const onState = (): void => this.#update()
    const onRefused = (error: MqError): void => this.#refuse(error)
    this.#nodes.set(node, new NodeSignals({ node, timeoutMs, onReport, onState, onRefused }))
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
    this.#parts.onRefused(error)
  }
}
