import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { Kafka } from 'kafkajs'

// The parts of kafkajs 2.2.4 below its public producer and consumer, as this adapter uses them: brokers, connections and the
// encoding of requests. Nothing outside of this folder knows that kafkajs exists.
// See docs/decisions/0020-kafka-below-kafkajs.md.

interface Request {
  readonly request: { encode(): Promise<unknown> }
  readonly response: {
    decode(data: Buffer): Promise<unknown>
    parse(data: never): Promise<unknown>
  }
  readonly requestTimeout?: number
}

interface Definition {
  readonly versions: readonly string[]
}

interface RequestQueue {
  readonly pending: readonly unknown[]
  scheduleCheckPendingRequests(): void
  destroy(): void
}

export interface Connection {
  readonly socket?: Socket
  readonly requestQueue: RequestQueue
  connect(): Promise<unknown>
  isConnected(): boolean
  rejectRequests(error: Error): void
}

export interface ConnectionPool {
  readonly host: string
  readonly port: number
  readonly pool: readonly Connection[]
  send(request: Request): Promise<unknown>
}

interface PartitionOffset {
  readonly partition: number
  readonly offset: string
  readonly metadata?: string | null
}

interface TopicOffsets {
  readonly topic: string
  readonly partitions: readonly PartitionOffset[]
}

export interface Broker {
  readonly connectionPool: ConnectionPool
  isConnected(): boolean
  connect(): Promise<void>
  apiVersions(): Promise<unknown>
  lookupRequest(apiKey: number, definition: Definition): (parameters: object) => Request
  findGroupCoordinator(request: {
    readonly groupId: string
    readonly coordinatorType: number
  }): Promise<{ readonly coordinator: { readonly nodeId: number; readonly host: string; readonly port: number } }>
  joinGroup(request: {
    readonly groupId: string
    readonly memberId: string
    readonly sessionTimeout: number
    readonly rebalanceTimeout: number
    readonly groupProtocols: readonly { readonly name: string; readonly metadata: Buffer }[]
  }): Promise<{
    readonly generationId: number
    readonly leaderId: string
    readonly memberId: string
    readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[]
  }>
  syncGroup(request: {
    readonly groupId: string
    readonly generationId: number
    readonly memberId: string
    readonly groupAssignment: readonly { readonly memberId: string; readonly memberAssignment: Buffer }[]
  }): Promise<{ readonly memberAssignment: Buffer }>
  heartbeat(request: {
    readonly groupId: string
    readonly groupGenerationId: number
    readonly memberId: string
  }): Promise<unknown>
  leaveGroup(request: { readonly groupId: string; readonly memberId: string }): Promise<unknown>
  listOffsets(request: {
    readonly isolationLevel: number
    readonly topics: readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number; readonly timestamp: number }[]
    }[]
  }): Promise<{ readonly responses: readonly TopicOffsets[] }>
  offsetCommit(request: {
    readonly groupId: string
    readonly groupGenerationId: number
    readonly memberId: string
    readonly topics: readonly TopicOffsets[]
  }): Promise<unknown>
  offsetFetch(request: {
    readonly groupId: string
    readonly topics: readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number }[]
    }[]
  }): Promise<{ readonly responses: readonly TopicOffsets[] }>
  createTopics(request: { readonly topics: readonly object[]; readonly timeout: number }): Promise<unknown>
  deleteTopics(request: { readonly topics: readonly string[]; readonly timeout: number }): Promise<unknown>
  deleteGroups(groupIds: readonly string[]): Promise<{ readonly results: readonly { readonly error?: Error }[] }>
}

/** The object that all clients of kafkajs are built on. */
export interface KafkajsCluster {
  readonly rootLogger: unknown
  readonly connectionPoolBuilder: {
    build(address?: { readonly host: string; readonly port: number }): Promise<ConnectionPool>
  }
  readonly brokerPool: {
    createBroker(options: {
      readonly connectionPool: ConnectionPool
      readonly logger: unknown
      readonly nodeId?: number
    }): Broker
  }
}

/** Returns undefined if the client is not one of kafkajs 2. */
export function clusterOf(client: Kafka): KafkajsCluster | undefined {
  const symbol = Object.getOwnPropertySymbols(client).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  )
  if (symbol === undefined) return undefined
  const create = (client as unknown as Record<symbol, (options: object) => KafkajsCluster>)[symbol]
  return create?.({ allowAutoTopicCreation: false })
}

const load = createRequire(import.meta.url)

type ApiName = 'Fetch' | 'Metadata' | 'Produce'

const { requests } = load('kafkajs/src/protocol/requests') as {
  readonly requests: Readonly<Record<ApiName, Definition>>
}

/**
 * Version 10 at most: from version 11 on, followers answer too (KIP-392). One that has just started says that its log is empty,
 * because it does not know yet how far the log is committed.
 *
 * See docs/decisions/0024-kafka-reads-from-leaders.md.
 */
const fetchFromLeaders: Definition = {
  ...requests.Fetch,
  versions: requests.Fetch.versions.filter((version) => Number(version) <= 10),
}
const definitions = { ...requests, Fetch: fetchFromLeaders }

const apiKeys = load('kafkajs/src/protocol/requests/apiKeys') as Readonly<Record<ApiName, number>>

/** The codes of Kafka's errors that this adapter makes itself. */
export const errorCode = { unknownTopic: 3, noLeader: 5 } as const

export const { createErrorFromCode } = load('kafkajs/src/protocol/error') as {
  createErrorFromCode(code: number): Error & { readonly type: string }
}

/** Returns null for uncompressed. Throws if no codec is registered with kafkajs. */
export const { lookupCodec } = load('kafkajs/src/protocol/message/compression') as {
  lookupCodec(type: number): Codec | null
}

interface Codec {
  compress(encoded: { readonly buffer: Buffer }): Promise<Buffer>
  decompress(data: Buffer): Promise<Buffer>
}

export const crc32C = load('kafkajs/src/protocol/recordBatch/crc32C') as (data: Buffer) => number

/** Sends a request whose answer this adapter reads itself. */
export async function ask<Answer>(
  broker: Broker,
  name: 'Fetch' | 'Metadata',
  parameters: object,
  decode?: (data: Buffer) => Promise<Answer>,
): Promise<Answer> {
  const { request, response, ...rest } = broker.lookupRequest(apiKeys[name], definitions[name])(parameters)
  const answer = await broker.connectionPool.send({
    ...rest,
    request,
    // The parsers of kafkajs reject the whole answer if one topic or partition in it has an error.
    response: { decode: decode ?? response.decode, parse: async (data: never) => data },
  })
  return answer as Answer
}

interface Encoder {
  writeInt16(value: number): Encoder
  writeInt32(value: number): Encoder
  writeString(text: string | null): Encoder
  writeBytes(data: Buffer): Encoder
}

const Encoder = load('kafkajs/src/protocol/encoder') as new (bytes: number) => Encoder

const allReplicas = -1
/** The bytes of a request to produce, without its topic and its batch. */
const produceBytes = 26

/**
 * Asks the broker to write to one partition. kafkajs and Kafka 4 both know the versions from 3 to 7 of this request, and in all of
 * them it looks the same.
 */
export async function askToProduce(
  broker: Broker,
  data: { readonly topic: string; readonly partition: number; readonly batch: Buffer; readonly timeoutMs: number },
): Promise<void> {
  const { topic, partition, batch, timeoutMs } = data
  const asked = broker.lookupRequest(apiKeys.Produce, requests.Produce)({ acks: allReplicas, topicData: [] })
  const encode = async (): Promise<Encoder> =>
    new Encoder(produceBytes + topic.length + batch.length)
      // No transaction.
      .writeString(null)
      .writeInt16(allReplicas)
      .writeInt32(timeoutMs)
      // One topic, and of that one partition.
      .writeInt32(1)
      .writeString(topic)
      .writeInt32(1)
      .writeInt32(partition)
      .writeBytes(batch)
  await broker.connectionPool.send({ ...asked, request: { ...asked.request, encode } })
}

const murmur2 = load('kafkajs/src/producer/partitioners/default/murmur2') as (key: string) => number

/** Returns the partition that Kafka's own clients choose for the key. */
export const partitionFor = (key: string, partitions: number): number => (murmur2(key) & 0x7fffffff) % partitions
