import { setTimeout as sleep } from 'node:timers/promises'
import { withTimeout } from '@mq/core/adapter'
import type { Kafka } from 'kafkajs'
import { isAuthError, isLinkError, isTlsError, LinkError } from './errors.js'
import { ask, type Broker, type Connection, clusterOf, createErrorFromCode, type KafkajsCluster } from './protocol.js'
import type { TopicPartition } from './requests.js'

export interface ClusterOptions {
  /** Undefined for a client that is not kafkajs 2.x. */
  readonly client: Kafka
  /** How long one request may take. */
  readonly requestTimeoutMs: number
  /** In which time one broker that answers is to be found. */
  readonly connectTimeoutMs: number
  /** Told when the last connection ends without being asked to. */
  readonly lost?: (error: Error) => void
}

export interface PartitionInfo {
  readonly partition: number
  /** -1 while there is none. */
  readonly leader: number
}

interface Address {
  readonly host: string
  readonly port: number
}

const nameOf = ({ host, port }: Address): string => `${host}:${port}`

/** Stands before the name of a connection to a broker that was given: it is apart from the one to the same broker as a node. */
const bootstrap = 'bootstrap '

const closedError = (): LinkError => new LinkError('The connection was closed', { unsent: true })

interface MetadataAnswer {
  readonly brokers: readonly (Address & { readonly nodeId: number })[]
  readonly controllerId: number
  readonly topicMetadata: readonly {
    readonly topic: string
    readonly topicErrorCode: number
    readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[]
  }[]
}

/** How long a broker that is silent keeps the next one from being tried. */
const mostHeadStartMs = 1_000

const unknownPausesMs = [50, 150, 300, 500]

/** No topic can have this name, so that asking for it brings the brokers and nothing else. */
const noTopic = '~'

/**
 * The brokers of a Kafka cluster, each with connections of this cluster's own. A broker that fails or does not answer in time
 * is dropped with its sockets, and the next request makes a new one: nothing that hangs inside a connection is waited for.
 */
export class Cluster {
  readonly #kafkajs: KafkajsCluster
  readonly #options: ClusterOptions
  readonly #addresses = new Map<number, Address>()
  readonly #brokers = new Map<string, Promise<Broker>>()
  readonly #opened = new Map<Broker, string>()
  /** Those that have said which requests they know: before, kafkajs can send them none. */
  readonly #ready = new Set<Broker>()
  #partitions = new Map<string, readonly PartitionInfo[]>()
  #controllerId = -1
  #closed = false
  /** What began before was given up. */
  #closings = 0

  constructor(options: ClusterOptions) {
    const cluster = clusterOf(options.client)
    if (cluster === undefined) throw new TypeError('client must return a client of kafkajs 2')
    this.#kafkajs = cluster
    this.#options = options
  }

  /** Finds out who is there, through the brokers that are known or the ones that were given. */
  async connect(): Promise<void> {
    await this.#metadata([noTopic])
  }

  /** Asks for a sign of life. */
  async ping(): Promise<void> {
    await this.request(await this.#anyBroker(), (broker) => broker.apiVersions())
  }

  /** Undefined for a topic that does not exist. Answers from memory unless `fresh`. */
  async partitionsOf(topic: string, { fresh = false } = {}): Promise<readonly PartitionInfo[] | undefined> {
    const known = this.#partitions.get(topic)
    if (known !== undefined && !fresh) return known
    await this.#metadata([topic])
    return this.#partitions.get(topic)
  }

  /** Of all these topics that exist, asked for in one request. Answers from memory unless `fresh`. */
  async allPartitions(topics: readonly string[], { fresh = false } = {}): Promise<readonly TopicPartition[]> {
    const asked = fresh ? topics : topics.filter((topic) => !this.#partitions.has(topic))
    if (asked.length > 0) await this.#metadata(asked)
    return topics.flatMap((topic) => (this.#partitions.get(topic) ?? []).map(({ partition }) => ({ topic, partition })))
  }

  /** As `partitionsOf`, and asks again for a second before a topic counts as unknown: a broker may hear of it late. */
  async surePartitionsOf(topic: string): Promise<readonly PartitionInfo[] | undefined> {
    for (const pauseMs of unknownPausesMs) {
      const found = await this.partitionsOf(topic, { fresh: true })
      if (found !== undefined) return found
      await sleep(pauseMs)
    }
    return this.partitionsOf(topic, { fresh: true })
  }

  /** The next request for one of its partitions asks for its leader again. */
  forget(topic: string): void {
    this.#partitions.delete(topic)
  }

  async leader(topic: string, partition: number): Promise<Broker> {
    const partitions = await this.partitionsOf(topic)
    const info = partitions?.find((one) => one.partition === partition)
    if (info === undefined) throw createErrorFromCode(3)
    if (info.leader < 0) {
      this.forget(topic)
      throw createErrorFromCode(5)
    }
    return await this.node(info.leader)
  }

  async node(nodeId: number): Promise<Broker> {
    if (!this.#addresses.has(nodeId)) await this.#metadata([noTopic])
    const address = this.#addresses.get(nodeId)
    if (address === undefined) throw new LinkError(`Broker ${nodeId} is not known`, { unsent: true })
    return await this.#open(address)
  }

  async controller(): Promise<Broker> {
    await this.#metadata([noTopic])
    return await this.node(this.#controllerId)
  }

  async coordinator(groupId: string): Promise<Broker> {
    const asked = await this.#anyBroker()
    const { coordinator } = await this.request(asked, (broker) =>
      broker.findGroupCoordinator({ groupId, coordinatorType: 0 }),
    )
    this.#addresses.set(coordinator.nodeId, { host: coordinator.host, port: coordinator.port })
    return await this.#open(coordinator)
  }

  /**
   * Settles at the latest after the timeout. Rejects with a `LinkError` when the connection failed or was silent, and with
   * what kafkajs makes of a broker's refusal otherwise.
   */
  async request<T>(
    broker: Broker,
    send: (broker: Broker) => Promise<T>,
    timeoutMs: number = this.#options.requestTimeoutMs,
  ): Promise<T> {
    const { host, port } = broker.connectionPool
    // A broker that was dropped in the meantime would open connections that nobody closes.
    if (!this.#opened.has(broker)) throw new LinkError(`The connection to ${host}:${port} is closed`, { unsent: true })
    const late = (): Error => new LinkError(`${host}:${port} gave no answer for ${timeoutMs} ms`, { unsent: false })
    const sending = send(broker)
    sending.catch(() => {})
    try {
      return await withTimeout(sending, timeoutMs, late)
    } catch (cause) {
      if (!isLinkError(cause) && !isConnectionFailure(cause)) throw cause
      const error = isLinkError(cause)
        ? cause
        : new LinkError((cause as Error).message, { cause, unsent: wasNotSent(cause as Error) })
      this.#failed(broker, error)
      throw error
    }
  }

  /** Closes every socket at once. Requests that are open reject; later ones connect again. */
  disconnect(): void {
    const error = new LinkError('The connection was closed', { unsent: false })
    this.#closings += 1
    for (const broker of [...this.#opened.keys()]) this.#drop(broker, error)
  }

  /** As `disconnect`, for good. */
  close(): void {
    this.#closed = true
    this.disconnect()
  }

  async #metadata(topics: readonly string[]): Promise<void> {
    const answer = await this.request(await this.#anyBroker(), (broker) =>
      ask<MetadataAnswer>(broker, 'Metadata', { topics, allowAutoTopicCreation: false }),
    )
    for (const { nodeId, host, port } of answer.brokers) this.#addresses.set(nodeId, { host, port })
    this.#controllerId = answer.controllerId
    for (const { topic, topicErrorCode, partitionMetadata } of answer.topicMetadata) {
      if (topic === noTopic) continue
      // Unknown, or being made: partitions come with it then.
      if (topicErrorCode === 3 || (topicErrorCode === 5 && partitionMetadata.length === 0)) {
        this.#partitions.delete(topic)
        continue
      }
      if (topicErrorCode !== 0 && topicErrorCode !== 5) throw createErrorFromCode(topicErrorCode)
      const partitions = partitionMetadata.map(({ partitionId, leader }) => ({ partition: partitionId, leader }))
      this.#partitions.set(
        topic,
        partitions.sort((left, right) => left.partition - right.partition),
      )
    }
  }

  /** One with a connection, else the first that can be connected: of those that are known, then of those that were given. */
  async #anyBroker(): Promise<Broker> {
    const connected = this.#connected()
    if (connected !== undefined) return connected
    if (this.#closed) throw closedError()
    const closings = this.#closings
    let isFound = false
    const failures: Failure[] = []
    const attempts = (await this.#candidates()).map(({ name, address }) => async () => {
      if (isFound || closings !== this.#closings) throw closedError()
      try {
        return await this.#open(address, name)
      } catch (error) {
        failures.push({ address, error })
        throw error
      }
    })
    const headStartMs = Math.min(mostHeadStartMs, this.#options.connectTimeoutMs / (attempts.length + 1))
    try {
      const found = await firstOf(attempts, headStartMs)
      isFound = true
      this.#dropSlow()
      return found
    } catch {
      if (closings !== this.#closings) throw closedError()
      // Somebody else may have had more luck in the meantime.
      const other = this.#connected()
      if (other !== undefined) return other
      throw noneAnswered(failures)
    }
  }

  #connected(): Broker | undefined {
    return [...this.#ready].find((broker) => broker.isConnected())
  }

  async #candidates(): Promise<readonly { readonly name: string; readonly address: Address }[]> {
    const known = [...this.#addresses.values()].map((address) => ({ name: nameOf(address), address }))
    const names = new Set(known.map(({ name }) => name))
    const given = await this.#given().catch((error) => {
      if (known.length === 0) throw error
      return []
    })
    const others = given.filter((address) => !names.has(nameOf(address)))
    return [...known, ...others.map((address) => ({ name: `${bootstrap}${nameOf(address)}`, address }))]
  }

  /** Those that are still being tried only because any broker would do. */
  #dropSlow(): void {
    for (const [broker, name] of [...this.#opened]) {
      if (name.startsWith(bootstrap) && !this.#ready.has(broker)) this.#drop(broker, closedError())
    }
  }

  /** Those from which the others are found. kafkajs knows them, and gives the next one each time. */
  async #given(): Promise<readonly Address[]> {
    const given = new Map<string, Address>()
    for (;;) {
      const { host, port } = await this.#kafkajs.connectionPoolBuilder.build()
      const name = nameOf({ host, port })
      if (given.has(name)) return [...given.values()]
      given.set(name, { host, port })
    }
  }

  #open(address: Address, name = nameOf(address)): Promise<Broker> {
    if (this.#closed) return Promise.reject(closedError())
    const found = this.#brokers.get(name)
    if (found !== undefined) return found
    const opening = this.#connect(address, name)
    this.#brokers.set(name, opening)
    opening.catch(() => {
      if (this.#brokers.get(name) === opening) this.#brokers.delete(name)
    })
    return opening
  }

  async #connect({ host, port }: Address, name: string): Promise<Broker> {
    const { connectionPoolBuilder, brokerPool, rootLogger } = this.#kafkajs
    const connectionPool = await connectionPoolBuilder.build({ host, port })
    const broker = brokerPool.createBroker({ connectionPool, logger: rootLogger })
    for (const connection of connectionPool.pool) {
      calmQueue(connection)
      shareConnect(connection)
    }
    this.#opened.set(broker, name)
    await this.request(broker, () => broker.connect()).catch((error) => {
      this.#drop(broker, error)
      throw error
    })
    if (this.#closed) {
      this.#drop(broker, closedError())
      throw closedError()
    }
    this.#ready.add(broker)
    connectionPool.pool[0]?.socket?.once('close', () => {
      if (!this.#opened.has(broker)) return
      this.#failed(broker, new LinkError(`The connection to ${host}:${port} ended`, { unsent: false }))
    })
    return broker
  }

  #failed(broker: Broker, error: Error): void {
    this.#drop(broker, error)
    if (this.#opened.size === 0 && !this.#closed) this.#options.lost?.(error)
  }

  #drop(broker: Broker, error: Error): void {
    const name = this.#opened.get(broker)
    if (name === undefined) return
    this.#opened.delete(broker)
    this.#ready.delete(broker)
    this.#brokers.delete(name)
    this.#forgetLedBy(name)
    for (const connection of broker.connectionPool.pool) destroy(connection, error)
  }

  /** Other brokers may lead by now what one did that was lost. */
  #forgetLedBy(name: string): void {
    const lost = new Set<number>()
    for (const [nodeId, address] of this.#addresses) if (nameOf(address) === name) lost.add(nodeId)
    for (const [topic, partitions] of this.#partitions) {
      if (partitions.some(({ leader }) => lost.has(leader))) this.forget(topic)
    }
  }
}

/** What the first attempt to succeed brings. The next one begins when one has failed, or beside it after its head start. */
async function firstOf<T>([attempt, ...others]: readonly (() => Promise<T>)[], headStartMs: number): Promise<T> {
  if (attempt === undefined) throw new Error('There is nothing to try')
  const running = attempt()
  if (others.length === 0) return await running
  try {
    return await withTimeout(running, headStartMs, () => new Error('late'))
  } catch {
    return await Promise.any([running, firstOf(others, headStartMs)])
  }
}

interface Failure {
  readonly address: Address
  readonly error: unknown
}

function noneAnswered(failures: readonly Failure[]): unknown {
  const errors = failures.map(({ error }) => error)
  const refused = errors.find(isAuthError) ?? errors.find(isTlsError)
  if (refused !== undefined || errors.length < 2) return refused ?? errors[0]
  const text = failures.map(({ address, error }) => `${nameOf(address)}: ${(error as Error).message}`).join('; ')
  return new LinkError(text, { cause: new AggregateError(errors, text), unsent: true })
}

/** kafkajs looks for queued requests every millisecond, on every connection, also while there are none. */
function calmQueue({ requestQueue }: Connection): void {
  const check = requestQueue.scheduleCheckPendingRequests.bind(requestQueue)
  requestQueue.scheduleCheckPendingRequests = () => {
    if (requestQueue.pending.length > 0) check()
  }
}

/** kafkajs opens a socket for each call while it connects, and knows only the last of them. */
function shareConnect(connection: Connection): void {
  const connect = connection.connect.bind(connection)
  let connecting: Promise<unknown> | undefined
  connection.connect = () => {
    connecting ??= connect().finally(() => {
      connecting = undefined
    })
    return connecting
  }
}

function destroy(connection: Connection, error: Error): void {
  connection.rejectRequests(error)
  connection.requestQueue.destroy()
  // With an error, so that kafkajs hears of it and clears its timers.
  connection.socket?.destroy(error)
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
