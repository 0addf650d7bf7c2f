import Encoder from 'kafkajs/src/protocol/encoder.js'
import type { Definition } from './kafkajs-types.js'
import { ByteReader } from './records/readers.js'

export interface MetadataAnswer {
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[]
  /** Undefined if the broker is older than topic ids. */
  readonly clusterId?: string | null
  readonly controllerId: number
  readonly topicMetadata: readonly TopicMetadata[]
}

interface TopicMetadata {
  readonly topic: string
  readonly topicErrorCode: number
  /** Undefined if the broker is older than topic ids. */
  readonly topicId?: string
  readonly partitionMetadata: readonly {
    readonly partitionId: number
    readonly leader: number
    readonly isr: readonly number[]
  }[]
}

type Protocol = (options: { readonly version: number }) => (parameters: never) => object

/** The first version with topic ids (KIP-516). kafkajs ends at an earlier one. */
const versionWithIds = 10

/** Extends the request of kafkajs by the version that brings topic ids. Brokers know that since Kafka 2.8. */
export function metadataWithIds(known: Definition): Definition {
  const { protocol } = known as Definition & { readonly protocol: Protocol }
  const latestKnown = Math.max(...known.versions.map(Number))
  const extended: Protocol = ({ version }) =>
    version < versionWithIds ? protocol({ version: Math.min(version, latestKnown) }) : askWithIds
  return { versions: [...known.versions, String(versionWithIds)], protocol: extended } as Definition
}

const askWithIds = ({ topics }: { readonly topics: readonly string[] | null }): object => ({
  request: {
    apiKey: 3,
    apiName: 'Metadata',
    apiVersion: versionWithIds,
    encode: async () => new Encoder().writeBuffer(encodeRequest(topics)),
  },
  response: { decode: decodeAnswer, parse: async (answer: unknown) => answer },
})

const none = 0
const noId = Buffer.alloc(16)

function encodeRequest(topics: readonly string[] | null): Buffer {
  // A list that is null stands for all topics.
  const parts: Uint8Array[] = [Buffer.from([none]), unsigned(topics === null ? 0 : topics.length + 1)]
  for (const topic of topics ?? [])
    parts.push(noId, unsigned(Buffer.byteLength(topic) + 1), Buffer.from(topic), Buffer.from([none]))
  // Nothing is created, and no rights are asked for.
  parts.push(Buffer.from([0, 0, 0, none]))
  return Buffer.concat(parts)
}

function unsigned(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}

async function decodeAnswer(data: Buffer): Promise<MetadataAnswer> {
  const reader = new ByteReader(data)
  reader.tags()
  reader.int32() // How long the broker asks its clients to wait.
  const brokers = listOf(reader, () => {
    const broker = { nodeId: reader.int32(), host: reader.compactString() ?? '', port: reader.int32() }
    reader.compactString() // The rack.
    reader.tags()
    return broker
  })
  const clusterId = reader.compactString()
  const controllerId = reader.int32()
  const topicMetadata = listOf(reader, () => decodeTopic(reader))
  return { brokers, clusterId, controllerId, topicMetadata }
}

function decodeTopic(reader: ByteReader): TopicMetadata {
  const topicErrorCode = reader.int16()
  const topic = reader.compactString() ?? ''
  const topicId = reader.bytes(16).toString('base64url')
  reader.int8() // Whether it is one of Kafka's own topics.
  const partitionMetadata = listOf(reader, () => {
    reader.int16() // The error of the partition; without a leader, the leader is -1.
    const [partitionId, leader] = [reader.int32(), reader.int32()]
    reader.int32() // The epoch of the leader.
    const int32 = (): number => reader.int32()
    listOf(reader, int32)
    const isr = listOf(reader, int32)
    listOf(reader, int32)
    reader.tags()
    return { partitionId, leader, isr }
  })
  reader.int32() // The rights.
  reader.tags()
  return { topic, topicErrorCode, topicId, partitionMetadata }
}

function listOf<T>(reader: ByteReader, read: () => T): T[] {
  const list: T[] = []
  for (let left = reader.unsignedVarint() - 1; left > 0; left--) list.push(read())
  return list
}
