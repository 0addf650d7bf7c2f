import type { Kafka } from 'kafkajs'
import murmur2 from 'kafkajs/src/producer/partitioners/default/murmur2.js'
import Encoder from 'kafkajs/src/protocol/encoder.js'
import errors from 'kafkajs/src/protocol/error.js'
import compression from 'kafkajs/src/protocol/message/compression/index.js'
import crc32C from 'kafkajs/src/protocol/recordBatch/crc32C/index.js'
import apiKeys from 'kafkajs/src/protocol/requests/apiKeys.js'
import known from 'kafkajs/src/protocol/requests/index.js'
import type { Broker, Connection, Definition, KafkajsCluster } from './kafkajs-types.js'
import { metadataWithIds } from './metadata.js'

// The functions of kafkajs 2.2.4 below its public producer and consumer, as far as this adapter uses them. Nothing outside of this
// folder knows that kafkajs exists.
// See docs/decisions/0020-kafka-below-kafkajs.md.

/** Returns undefined if the client is not one of kafkajs 2. */
export function clusterOf(client: Kafka): KafkajsCluster | undefined {
  const symbol = Object.getOwnPropertySymbols(client).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  )
  if (symbol === undefined) return undefined
  const create = (client as unknown as Record<symbol, (options: object) => KafkajsCluster>)[symbol]
  return create?.({ allowAutoTopicCreation: false })
}

const { requests } = known

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
const definitions = { ...requests, Metadata: metadataWithIds(requests.Metadata) }

/** The codes of Kafka's errors that this adapter makes or looks for itself. */
export const errorCode = { unknownTopic: 3, noLeader: 5, memberIdRequired: 79 } as const

export const { createErrorFromCode } = errors

interface Codec {
  compress(encoded: { readonly buffer: Buffer }): Promise<Buffer>
  decompress(data: Buffer): Promise<Buffer>
}

/** Returns null for uncompressed. Throws if no codec is registered with kafkajs. */
export const lookupCodec = (type: number): Codec | null => compression.lookupCodec(type)

export { crc32C }

/** Sends a request whose answer this adapter reads itself. */
export async function ask<Answer>(
  broker: Broker,
  name: 'CreateTopics' | 'DescribeGroups' | 'JoinGroup' | 'ListGroups' | 'Metadata',
  parameters: object,
): Promise<Answer> {
  const { request, response, ...rest } = broker.lookupRequest(apiKeys[name], definitions[name])(parameters)
  const answer = await broker.connectionPool.send({
    ...rest,
    request,
    // The parsers of kafkajs reject the whole answer if one topic or partition in it has an error.
    response: { decode: response.decode, parse: async (data: never) => data },
  })
  return answer as Answer
}

/**
 * Sends an encoded request to fetch, and returns the answer as it is. Over a connection of its own it takes the first socket of
 * kafkajs, or else the second, which kafkajs keeps for this.
 */
export async function askToFetch(broker: Broker, encoded: Buffer, { isApart = false } = {}): Promise<Buffer> {
  const asked = broker.lookupRequest(apiKeys.Fetch, fetchFromLeaders)({ topics: [] })
  const sender = (isApart ? broker.connectionPool.pool[0] : undefined) ?? broker.connectionPool
  const answer = await sender.send({
    request: { ...asked.request, encode: async () => new Encoder(encoded.length).writeBuffer(encoded) },
    response: {
      decode: async (data: Buffer) => ({ clientSideThrottleTime: data.readInt32BE(0), data }),
      parse: async ({ data }: { readonly data: Buffer }) => data,
    },
  })
  return answer as Buffer
}

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

/** Returns the partition that Kafka's own clients choose for the key. */
export const partitionFor = (key: string, partitions: number): number => (murmur2(key) & 0x7fffffff) % partitions

/** Keeps kafkajs from looking for queued requests every millisecond, on every connection, even if there are none. */
export function scheduleChecksOnlyIfPending({ requestQueue }: Connection): void {
  const check = requestQueue.scheduleCheckPendingRequests.bind(requestQueue)
  requestQueue.scheduleCheckPendingRequests = () => {
    if (requestQueue.pending.length > 0) check()
  }
}

/** Lets calls that come while kafkajs connects share a socket. It opens one for each, and knows only the last of them. */
export function shareConnect(connection: Connection): void {
  const connect = connection.connect.bind(connection)
  let connecting: Promise<unknown> | undefined
  connection.connect = () => {
    connecting ??= connect().finally(() => {
      connecting = undefined
    })
    return connecting
  }
}

/** Closes a connection at once, and rejects its requests. */
export function destroy(connection: Connection, error: Error): void {
  connection.rejectRequests(error)
  connection.requestQueue.destroy()
  // The error makes kafkajs notice the end, and clear its timers.
  connection.socket?.destroy(error)
}
