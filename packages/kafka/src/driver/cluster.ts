import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka } from 'kafkajs'
import { type Address, addressName, Connections } from './connections.js'
import { LinkError } from './errors.js'
import type { Broker } from './kafkajs-types.js'
import type { MetadataAnswer } from './metadata.js'
import { ask, clusterOf, createErrorFromCode, errorCode } from './protocol.js'

export interface ClusterOptions {
  readonly client: Kafka
  /** How long one request may take. */
  readonly requestTimeoutMs: number
  /** How long it may take to find a broker that answers. */
  readonly connectTimeoutMs: number
  /** Called if the last connection ends without having been asked to. */
  readonly onLost?: (error: Error) => void
}

interface MetadataRequest {
  /** May be added to until it is sent. */
  readonly asked: Set<string>
  readonly answered: Promise<ReadonlyMap<string, Error>>
}

export interface PartitionInfo {
  readonly partition: number
  /** -1 while there is none. */
  readonly leader: number
}

/** The pauses before a topic counts as missing. */
const unknownPausesMs = [50, 150, 300, 500]

/** A name that no topic can have. Metadata about it brings the brokers and nothing else. */
const noTopic = '~'

/** The brokers of a Kafka cluster and the leaders of its partitions. Each cluster has connections of its own. */
export class Cluster {
  readonly #connections: Connections
  readonly #addresses = new Map<number, Address>()
  readonly #partitions = new Map<string, readonly PartitionInfo[]>()
  /** See `identityOf`. */
  readonly #identities = new Map<string, string>()
  /** The topics about which the broker that was asked last seems to be behind: another one is asked next. */
  readonly #doubtful = new Set<string>()
  #lastAsked: Broker | undefined
  #controllerId = -1
  #nextMetadata: MetadataRequest | undefined
  /** Raised whenever a leader or a topic is another one than before. */
  #version = 0

  /** Throws a `TypeError` if the client is not one of kafkajs 2. */
  constructor({ client, requestTimeoutMs, connectTimeoutMs, onLost }: ClusterOptions) {
    const kafkajs = clusterOf(client)
    if (kafkajs === undefined) throw new TypeError('createClient must return a client of kafkajs 2')
    this.#connections = new Connections(kafkajs, {
      requestTimeoutMs,
      connectTimeoutMs,
      onDropped: (name) => this.#forgetLedBy(name),
      onLost: (error) => onLost?.(error),
    })
  }

  /** Finds the brokers, through those that are known or those of the configuration. */
  async connect(): Promise<void> {
    await this.#metadata([noTopic])
  }

  /** Resolves if a broker answers. */
  async ping(): Promise<void> {
    await this.request(await this.#anyBroker(), (broker) => broker.apiVersions())
  }

  /** Returns undefined for a topic that does not exist. Answers from memory unless `fresh`. */
  async partitionsOf(topic: string, { fresh = false } = {}): Promise<readonly PartitionInfo[] | undefined> {
    const known = this.#partitions.get(topic)
    if (known !== undefined && !fresh) return known
    await this.#metadata([topic])
    return this.#partitions.get(topic)
  }

  /** Returns the partitions of those topics that exist, with one request. Answers from memory unless `fresh`. */
  async allPartitions(topics: readonly string[], { fresh = false } = {}): Promise<readonly TopicPartition[]> {
    const unknown = fresh ? topics : topics.filter((topic) => !this.#partitions.has(topic))
    if (unknown.length > 0) await this.#metadata(unknown)
    return topics.flatMap((topic) => (this.#partitions.get(topic) ?? []).map(({ partition }) => ({ topic, partition })))
  }

  /** Returns the names of all topics that the user may see, and remembers nothing of them. */
  async topicNames(): Promise<readonly string[]> {
    const { topicMetadata } = await this.request(await this.#anyBroker(), (broker) =>
      ask<MetadataAnswer>(broker, 'Metadata', { topics: null, allowAutoTopicCreation: false }),
    )
    return topicMetadata.filter(({ topicErrorCode }) => topicErrorCode === 0).map(({ topic }) => topic)
  }

  /** Returns the ids of all brokers that are known. */
  async nodeIds(): Promise<readonly number[]> {
    await this.#metadata([noTopic])
    return [...this.#addresses.keys()]
  }

  /** As `partitionsOf`, but asks for a second before a topic counts as missing, because a broker may hear of it late. */
  async confirmedPartitionsOf(topic: string): Promise<readonly PartitionInfo[] | undefined> {
    for (const pauseMs of unknownPausesMs) {
      const found = await this.partitionsOf(topic, { fresh: true })
      if (found !== undefined) return found
      await sleep(pauseMs)
    }
    return this.partitionsOf(topic, { fresh: true })
  }

  /**
   * Returns what tells a topic from another one of the same name: its id and that of the cluster, as `topic.cluster`. Undefined while
   * the topic is not known, and for brokers older than Kafka 2.8.
   */
  identityOf(topic: string): string | undefined {
    return this.#identities.get(topic)
  }

  /** A number that changes whenever it knows other leaders or topics than before. */
  get version(): number {
    return this.#version
  }

  /** Returns the leader of a partition from memory, without asking. Undefined or -1 if none is known. */
  leaderOf({ topic, partition }: TopicPartition): number | undefined {
    const partitions = this.#partitions.get(topic)
    const info = partitions?.[partition]
    if (info?.partition === partition) return info.leader
    return partitions?.find((one) => one.partition === partition)?.leader
  }

  /** Makes the next request for one of its partitions ask for the leader again, and ask another broker if there is one. */
  forget(topic: string): void {
    if (this.#partitions.delete(topic)) this.#version += 1
    this.#doubtful.add(topic)
  }

  async leader(topic: string, partition: number): Promise<Broker> {
    const partitions = await this.partitionsOf(topic)
    const info = partitions?.find((one) => one.partition === partition)
    if (info === undefined) {
      // The partition may be newer than what is known.
      this.forget(topic)
      throw createErrorFromCode(errorCode.unknownTopic)
    }
    if (info.leader < 0) {
      this.forget(topic)
      throw createErrorFromCode(errorCode.noLeader)
    }
    return await this.node(info.leader)
  }

  async node(nodeId: number): Promise<Broker> {
    return await this.#connections.open(await this.#addressOf(nodeId))
  }

  /** Opens another connection to a node. It carries only what is sent over it, so that nothing else waits behind slow requests. */
  async nodeApart(nodeId: number, purpose: string): Promise<Broker> {
    return await this.#connections.openApart(await this.#addressOf(nodeId), purpose)
  }

  /** As `nodeApart`, for a broker that is known. */
  async apart({ connectionPool: { host, port } }: Broker, purpose: string): Promise<Broker> {
    return await this.#connections.openApart({ host, port }, purpose)
  }

  /** Closes one connection. Its pending requests reject. */
  drop(broker: Broker): void {
    this.#connections.drop(broker)
  }

  async #addressOf(nodeId: number): Promise<Address> {
    if (!this.#addresses.has(nodeId)) await this.#metadata([noTopic])
    const address = this.#addresses.get(nodeId)
    if (address === undefined) throw new LinkError(`Broker ${nodeId} is not known`, { unsent: true })
    return address
  }

  async controller(): Promise<Broker> {
    await this.#metadata([noTopic])
    return await this.node(this.#controllerId)
  }

  async coordinator(groupId: string): Promise<Broker> {
    const { coordinator } = await this.request(await this.#anyBroker(), (broker) =>
      broker.findGroupCoordinator({ groupId, coordinatorType: 0 }),
    )
    this.#addresses.set(coordinator.nodeId, { host: coordinator.host, port: coordinator.port })
    return await this.#connections.open(coordinator)
  }

  /**
   * Sends a request. Settles when the timeout is over at the latest. Rejects with a `LinkError` if the connection failed or was
   * silent, or else with kafkajs's error for the refusal of a broker. Default of `timeoutMs`: `requestTimeoutMs`.
   */
  request<T>(broker: Broker, send: (broker: Broker) => Promise<T>, timeoutMs?: number): Promise<T> {
    return this.#connections.request(broker, send, timeoutMs)
  }

  /** Closes every socket at once. Pending requests reject, later ones connect again. */
  disconnect(): void {
    this.#connections.disconnect()
  }

  /** As `disconnect`, for good. */
  close(): void {
    this.#connections.close()
  }

  #anyBroker(): Promise<Broker> {
    return this.#connections.any([...this.#addresses.values()])
  }

  async #brokerToAsk(topics: readonly string[]): Promise<Broker> {
    const last = this.#lastAsked
    const isDoubted = last !== undefined && topics.some((topic) => this.#doubtful.has(topic))
    const other = isDoubted ? await this.#connections.other(last, [...this.#addresses.values()]) : undefined
    return other ?? (await this.#anyBroker())
  }

  /** Asks about topics, with one request for all that are asked about at the same time. Rejects if one of these topics has an error. */
  async #metadata(topics: readonly string[]): Promise<void> {
    this.#nextMetadata ??= this.#metadataSoon()
    const { asked, answered } = this.#nextMetadata
    for (const topic of topics) asked.add(topic)
    const errors = await answered
    for (const topic of topics) {
      const error = errors.get(topic)
      if (error !== undefined) throw error
    }
  }

  #metadataSoon(): MetadataRequest {
    const asked = new Set<string>()
    const answered = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.#nextMetadata = undefined
      return this.#askMetadata([...asked])
    })
    return { asked, answered }
  }

  /** Resolves with the errors of single topics. */
  async #askMetadata(topics: readonly string[]): Promise<ReadonlyMap<string, Error>> {
    const errors = new Map<string, Error>()
    const asked = await this.#brokerToAsk(topics)
    this.#lastAsked = asked
    const answer = await this.request(asked, (broker) =>
      ask<MetadataAnswer>(broker, 'Metadata', { topics, allowAutoTopicCreation: false }),
    )
    for (const { nodeId, host, port } of answer.brokers) this.#addresses.set(nodeId, { host, port })
    this.#controllerId = answer.controllerId
    for (const { topic, topicErrorCode, topicId, partitionMetadata } of answer.topicMetadata) {
      if (topic === noTopic) continue
      // The topic is missing, or it is being created and has no partitions yet.
      if (
        topicErrorCode === errorCode.unknownTopic ||
        (topicErrorCode === errorCode.noLeader && partitionMetadata.length === 0)
      ) {
        this.forget(topic)
        continue
      }
      this.#doubtful.delete(topic)
      if (topicErrorCode !== 0 && topicErrorCode !== errorCode.noLeader) {
        errors.set(topic, createErrorFromCode(topicErrorCode))
        continue
      }
      if (topicId !== undefined) this.#identify(topic, `${topicId}.${answer.clusterId ?? ''}`)
      const partitions = partitionMetadata.map(({ partitionId, leader }) => ({ partition: partitionId, leader }))
      this.#know(
        topic,
        partitions.sort((left, right) => left.partition - right.partition),
      )
    }
    return errors
  }

  #know(topic: string, partitions: readonly PartitionInfo[]): void {
    const known = this.#partitions.get(topic)
    const isSame =
      known?.length === partitions.length && known.every(({ leader }, index) => leader === partitions[index]?.leader)
    if (isSame) return
    this.#partitions.set(topic, partitions)
    this.#version += 1
  }

  /** Keeps the text that is known as long as it is the same, because it is compared often. */
  #identify(topic: string, identity: string): void {
    if (this.#identities.get(topic) === identity) return
    this.#identities.set(topic, identity)
    this.#version += 1
  }

  /** Forgets the partitions of a broker that was dropped. Other brokers may lead them by now. */
  #forgetLedBy(name: string): void {
    const lost = new Set<number>()
    for (const [nodeId, address] of this.#addresses) if (addressName(address) === name) lost.add(nodeId)
    for (const [topic, partitions] of this.#partitions) {
      if (partitions.some(({ leader }) => lost.has(leader))) this.forget(topic)
    }
  }
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

export function byTopic<T extends TopicPartition>(partitions: Iterable<T>): Map<string, T[]> {
  const topics = new Map<string, T[]>()
  for (const one of partitions) {
    const found = topics.get(one.topic)
    if (found === undefined) topics.set(one.topic, [one])
    else found.push(one)
  }
  return topics
}
