import { isMqError, isTlsFault, withTimeout } from '@mq/core/adapter'
import { isAuthError, isLinkError, LinkError } from './errors.js'
import { firstSuccess } from './first-success.js'
import type { Broker, KafkajsCluster } from './kafkajs-types.js'
import { requireVersions } from './known-versions.js'
import { destroy, scheduleChecksOnlyIfPending, shareConnect } from './protocol.js'

export interface Address {
  readonly host: string
  readonly port: number
}

export const addressName = ({ host, port }: Address): string => `${host}:${port}`

export interface ConnectionsOptions {
  readonly requestTimeoutMs: number
  readonly connectTimeoutMs: number
  /** Called with the name of each connection that was dropped. */
  readonly onDropped: (name: string) => void
  /** Called if the last connection ends without having been asked to. */
  readonly onLost: (error: Error) => void
}

/**
 * Begins the name of a connection to a broker of the configuration. It is another connection than the one to the same broker as a
 * node of the cluster.
 */
const seedPrefix = 'seed '

/** How long a seed connection stays once there is one to a node of the cluster, and after its last request. */
const seedLingerMs = 1_000
/** How long a silent broker delays the attempt to reach the next one, at most. */
const maxHeadStartMs = 1_000
const otherPauseMs = 10_000

const isSame = ({ connectionPool: one }: Broker, { connectionPool: other }: Broker): boolean =>
  addressName(one) === addressName(other)

const closedError = (): LinkError => new LinkError('The connection was closed', { unsent: true })

/**
 * The connections to the brokers of a cluster. A broker that fails or does not answer in time is dropped with its sockets, and the
 * next request makes a new one. So nothing waits for what hangs inside a connection.
 */
export class Connections {
  readonly #kafkajs: KafkajsCluster
  readonly #options: ConnectionsOptions
  readonly #brokers = new Map<string, Promise<Broker>>()
  readonly #opened = new Map<Broker, string>()
  /** The brokers that have said which requests they know. kafkajs can send none to a broker before. */
  readonly #ready = new Set<Broker>()
  /** Those that one purpose has for itself, so that nothing else waits behind its requests. */
  readonly #apart = new Set<Broker>()
  /** How many requests each broker has to answer. */
  readonly #pending = new Map<Broker, number>()
  #retiring: NodeJS.Timeout | undefined
  #closed = false
  /** Raised by `disconnect`: attempts of an earlier epoch are given up. */
  #epoch = 0
  #turn = 0
  /** No connection to another broker is opened before this time, because the last one could not be. */
  #noOtherBefore = 0

  constructor(kafkajs: KafkajsCluster, options: ConnectionsOptions) {
    this.#kafkajs = kafkajs
    this.#options = options
  }

  /** Returns a broker with a connection, or the first that can be connected: a known one, or else one of the configuration. */
  async any(known: readonly Address[]): Promise<Broker> {
    const connected = this.#connected()
    if (connected !== undefined) return connected
    if (this.#closed) throw closedError()
    const epoch = this.#epoch
    let isFound = false
    const failures: Failure[] = []
    const attempts = (await this.#candidates(known)).map(({ name, address }) => async () => {
      if (isFound || epoch !== this.#epoch) throw closedError()
      try {
        return await this.open(address, name)
      } catch (error) {
        failures.push({ address, error })
        throw error
      }
    })
    const headStartMs = Math.min(maxHeadStartMs, this.#options.connectTimeoutMs / (attempts.length + 1))
    try {
      const found = await firstSuccess(attempts, headStartMs)
      isFound = true
      this.#dropSlowSeeds()
      return found
    } catch {
      if (epoch !== this.#epoch) throw closedError()
      // Another caller may have had more luck in the meantime.
      const other = this.#connected()
      if (other !== undefined) return other
      throw noneAnswered(failures)
    }
  }

  /**
   * Returns a broker other than that one, if it has a connection or gets one soon. Another broker may know of changes that the first
   * one has not heard of.
   */
  async other(than: Broker, known: readonly Address[]): Promise<Broker | undefined> {
    const ready = this.#shared().filter((broker) => broker !== than && !isSame(broker, than))
    const connected = ready[this.#turn++ % Math.max(1, ready.length)]
    if (connected !== undefined) return connected
    const { host, port } = than.connectionPool
    const addresses = known.filter((address) => addressName(address) !== addressName({ host, port }))
    const address = addresses[this.#turn++ % Math.max(1, addresses.length)]
    if (address === undefined || performance.now() < this.#noOtherBefore) return undefined
    return await withTimeout(this.open(address), maxHeadStartMs, () => new Error('late')).catch(() => {
      this.#noOtherBefore = performance.now() + otherPauseMs
      return undefined
    })
  }

  /** Opens another connection to a broker, for one purpose. It carries no requests but those that are sent over it. */
  openApart(address: Address, purpose: string): Promise<Broker> {
    return this.open(address, `${purpose} ${addressName(address)}`, true)
  }

  open(address: Address, name = addressName(address), isApart = false): Promise<Broker> {
    if (this.#closed) return Promise.reject(closedError())
    const found = this.#brokers.get(name)
    if (found !== undefined) return found
    const opening = this.#connect(address, name, isApart)
    this.#brokers.set(name, opening)
    opening.catch(() => {
      if (this.#brokers.get(name) === opening) this.#brokers.delete(name)
    })
    return opening
  }

  /** Closes a connection. Its pending requests reject. */
  drop(broker: Broker): void {
    this.#drop(broker, closedError())
  }

  /** See `Cluster.request`. */
  async request<T>(
    broker: Broker,
    send: (broker: Broker) => Promise<T>,
    timeoutMs: number = this.#options.requestTimeoutMs,
  ): Promise<T> {
    const { host, port } = broker.connectionPool
    // A broker that was dropped in the meantime would open connections that nothing closes.
    if (!this.#opened.has(broker)) throw new LinkError(`The connection to ${host}:${port} is closed`, { unsent: true })
    const late = (): Error => new LinkError(`${host}:${port} gave no answer for ${timeoutMs} ms`, { unsent: false })
    this.#pending.set(broker, (this.#pending.get(broker) ?? 0) + 1)
    const sending = send(broker)
    sending.catch(() => {}).finally(() => this.#answered(broker))
    try {
      return await withTimeout(sending, timeoutMs, late)
    } catch (cause) {
      if (!isLinkError(cause) && !isConnectionFailure(cause)) throw cause
      // A request with less time than usual says nothing about the connection when that is over.
      if (isLinkError(cause) && timeoutMs < this.#options.requestTimeoutMs) throw cause
      const error = isLinkError(cause)
        ? cause
        : new LinkError((cause as Error).message, { cause, unsent: wasNotSent(cause as Error) })
      this.#failed(broker, error)
      throw error
    }
  }

  /** Closes every socket at once. Pending requests reject, later ones connect again. */
  disconnect(): void {
    const error = new LinkError('The connection was closed', { unsent: false })
    this.#epoch += 1
    for (const broker of [...this.#opened.keys()]) this.#drop(broker, error)
  }

  /** As `disconnect`, for good. */
  close(): void {
    this.#closed = true
    this.disconnect()
  }

  #answered(broker: Broker): void {
    const pending = (this.#pending.get(broker) ?? 1) - 1
    if (pending > 0) this.#pending.set(broker, pending)
    else this.#pending.delete(broker)
  }

  #shared(): readonly Broker[] {
    return [...this.#ready].filter((broker) => !this.#apart.has(broker) && broker.isConnected())
  }

  #connected(): Broker | undefined {
    const shared = this.#shared()
    return shared.find((broker) => !this.#isSeed(broker)) ?? shared[0]
  }

  #isSeed(broker: Broker): boolean {
    return this.#opened.get(broker)?.startsWith(seedPrefix) ?? false
  }

  /** Closes the connections to brokers of the configuration as soon as one to a node of the cluster can be used in their place. */
  #retireSeeds(): void {
    this.#retiring ??= setTimeout(() => {
      this.#retiring = undefined
      const shared = this.#shared()
      const seeds = shared.filter((broker) => this.#isSeed(broker))
      if (seeds.length === 0 || seeds.length === shared.length) return
      for (const seed of seeds) if (!this.#pending.has(seed)) this.#drop(seed, closedError())
      this.#retireSeeds()
    }, seedLingerMs).unref()
  }

  async #candidates(
    addresses: readonly Address[],
  ): Promise<readonly { readonly name: string; readonly address: Address }[]> {
    const known = addresses.map((address) => ({ name: addressName(address), address }))
    const names = new Set(known.map(({ name }) => name))
    const seeds = await this.#seeds().catch((error) => {
      if (known.length === 0) throw error
      return []
    })
    const others = seeds.filter((address) => !names.has(addressName(address)))
    return [...known, ...others.map((address) => ({ name: `${seedPrefix}${addressName(address)}`, address }))]
  }

  /** Returns the brokers of the configuration. kafkajs knows them, and gives the next one each time. */
  async #seeds(): Promise<readonly Address[]> {
    const seeds = new Map<string, Address>()
    for (;;) {
      const { host, port } = await this.#kafkajs.connectionPoolBuilder.build()
      const name = addressName({ host, port })
      if (seeds.has(name)) return [...seeds.values()]
      seeds.set(name, { host, port })
    }
  }

  /** Ends the attempts that go on although another broker has answered. */
  #dropSlowSeeds(): void {
    for (const [broker, name] of [...this.#opened]) {
      if (name.startsWith(seedPrefix) && !this.#ready.has(broker)) this.#drop(broker, closedError())
    }
  }

  async #connect({ host, port }: Address, name: string, isApart: boolean): Promise<Broker> {
    const { connectionPoolBuilder, brokerPool, rootLogger } = this.#kafkajs
    const connectionPool = await connectionPoolBuilder.build({ host, port })
    const broker = brokerPool.createBroker({ connectionPool, logger: rootLogger })
    for (const connection of connectionPool.pool) {
      scheduleChecksOnlyIfPending(connection)
      shareConnect(connection)
    }
    this.#opened.set(broker, name)
    if (isApart) this.#apart.add(broker)
    try {
      await this.request(broker, () => broker.connect())
      requireVersions(broker)
    } catch (error) {
      this.#drop(broker, error as Error)
      throw error
    }
    if (this.#closed) {
      this.#drop(broker, closedError())
      throw closedError()
    }
    this.#ready.add(broker)
    if (!isApart) this.#retireSeeds()
    connectionPool.pool[0]?.socket?.once('close', () => {
      if (!this.#opened.has(broker)) return
      this.#failed(broker, new LinkError(`The connection to ${host}:${port} ended`, { unsent: false }))
    })
    return broker
  }

  #failed(broker: Broker, error: Error): void {
    this.#drop(broker, error)
    if (this.#opened.size === 0 && !this.#closed) this.#options.onLost(error)
  }

  #drop(broker: Broker, error: Error): void {
    const name = this.#opened.get(broker)
    if (name === undefined) return
    this.#opened.delete(broker)
    this.#ready.delete(broker)
    this.#apart.delete(broker)
    this.#brokers.delete(name)
    this.#options.onDropped(name)
    for (const connection of broker.connectionPool.pool) destroy(connection, error)
  }
}

interface Failure {
  readonly address: Address
  readonly error: unknown
}

function noneAnswered(failures: readonly Failure[]): unknown {
  const errors = failures.map(({ error }) => error)
  const refused = errors.find(isAuthError) ?? errors.find(isTlsFault) ?? errors.find((error) => isMqError(error))
  if (refused !== undefined || errors.length < 2) return refused ?? errors[0]
  const text = failures.map(({ address, error }) => `${addressName(address)}: ${(error as Error).message}`).join('; ')
  return new LinkError(text, { cause: new AggregateError(errors, text), unsent: true })
}

const connectionFailures = [
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSLockTimeout',
]

const isConnectionFailure = (error: unknown): boolean => connectionFailures.includes((error as Error).name)

const wasNotSent = ({ name, message }: Error): boolean =>
  name === 'KafkaJSLockTimeout' ||
  (name === 'KafkaJSConnectionError' &&
    /^(?:Not connected|Connection timeout|Connection error: connect )/.test(message))
