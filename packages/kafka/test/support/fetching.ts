import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import { onTestFinished } from 'vitest'
import { type Cluster, nameOf } from '../../src/driver/cluster.js'
import { ByteReader } from '../../src/driver/records/readers.js'
import { writeBatch } from '../../src/driver/records/record-writer.js'
import type { PartitionFetch } from '../../src/driver/requests.js'

const { CompressionCodecs, CompressionTypes } = kafkajs

/** A request to fetch, as a broker reads it. */
export interface Fetched {
  readonly connection: string
  readonly maxWaitMs: number
  readonly sessionId: number
  readonly epoch: number
  readonly wanted: readonly PartitionFetch[]
  readonly forgotten: readonly string[]
}

interface Log {
  /** The batches, each of one record, by offset. */
  readonly batches: Buffer[]
  errorCode: number
}

interface Session {
  readonly wanted: Map<string, PartitionFetch>
}

/** A broker that knows nothing but how to answer requests to fetch, with sessions. It answers as soon as it has something, or when the time of the request is over. */
export function fetchedBroker() {
  const logs = new Map<string, Log>()
  const requests: Fetched[] = []
  const sessions = new Map<number, Session>()
  const waiting = new Set<() => void>()
  let sessionCount = 0
  let keepsSessions = true

  const logOf = (name: string): Log => {
    const log = logs.get(name) ?? { batches: [], errorCode: 0 }
    logs.set(name, log)
    return log
  }
  const hasNews = ([name, { from }]: [string, PartitionFetch]): boolean =>
    logOf(name).errorCode !== 0 || from !== logOf(name).batches.length
  const untilPoked = (): Promise<void> => new Promise((resolve) => void waiting.add(resolve))
  const poke = (): void => {
    for (const resolve of waiting) resolve()
    waiting.clear()
  }

  async function answer(connection: string, data: Buffer): Promise<Buffer> {
    const request = requestOf(connection, data)
    requests.push(request)
    const known = sessions.get(request.sessionId)
    if (request.sessionId !== 0 && known === undefined) return headOf(70, 0)
    const session: Session = known ?? { wanted: new Map() }
    for (const one of request.wanted) session.wanted.set(nameOf(one), one)
    for (const name of request.forgotten) session.wanted.delete(name)
    const id = known !== undefined ? request.sessionId : keepsSessions ? ++sessionCount : 0
    if (id !== 0) sessions.set(id, session)
    if (![...session.wanted].some(hasNews)) await Promise.race([untilPoked(), sleep(request.maxWaitMs)])
    const news = [...session.wanted].filter((one) => known === undefined || hasNews(one))
    return Buffer.concat([headOf(0, id), int32(news.length), ...news.map(([, one]) => answerAbout(one))])
  }

  function answerAbout({ topic, partition, from }: PartitionFetch): Buffer {
    const { batches, errorCode } = logOf(nameOf({ topic, partition }))
    const error = errorCode !== 0 ? errorCode : from > batches.length ? 1 : 0
    const records = error === 0 ? Buffer.concat(batches.slice(from, from + 2)) : Buffer.alloc(0)
    const name = Buffer.from(topic)
    const end = int64(batches.length)
    const parts = [int16(name.length), name, int32(1), int32(partition), int16(error), end, end, int64(0), int32(0)]
    return Buffer.concat([...parts, int32(records.length), records])
  }

  async function append(name: string, values: readonly string[], compression = 0): Promise<void> {
    for (const value of values) {
      const { batches } = logOf(name)
      const batch = await writeBatch([{ key: 'k', value: Buffer.from(value), headers: [] }], compression)
      batch.writeBigInt64BE(BigInt(batches.length), 0)
      batches.push(batch)
    }
    poke()
  }

  const brokerOf = (connection: string) => ({
    lookupRequest: () => () => ({ request: {}, response: {} }),
    connectionPool: {
      pool: [
        {
          send: async ({ request, response }: SentRequest) =>
            response.parse(await response.decode(await answer(connection, (await request.encode()).buffer))),
        },
      ],
    },
  })
  const cluster = {
    version: 0,
    leaderOf: () => 1,
    identityOf: () => undefined,
    partitionsOf: async () => [{ partition: 0, leader: 1 }],
    allPartitions: async () => [],
    forget() {},
    nodeApart: async (_: number, purpose: string) => brokerOf(purpose),
    request: <T>(broker: unknown, send: (to: unknown) => Promise<T>) => send(broker),
    drop() {},
  } as unknown as Cluster
  return {
    cluster,
    requests,
    poke,
    append: (name: string, ...values: readonly string[]) => append(name, values),
    /** As `append`, with the codec that `slowCodec` installs. */
    appendPacked: (name: string, ...values: readonly string[]) => append(name, values, CompressionTypes.Snappy),
    fail(name: string, errorCode: number): void {
      logOf(name).errorCode = errorCode
      poke()
    },
    forgetSessions(): void {
      sessions.clear()
      poke()
    },
    keepNoSessions(): void {
      keepsSessions = false
    },
  }
}

export const notLeader = 6

/** Installs a codec that compresses nothing and takes its time to unpack, until the test ends. Returns how many it unpacked at a time, at most. */
export function slowCodec(unpackMs: number): () => number {
  const missing = CompressionCodecs[CompressionTypes.Snappy]
  let [unpacking, most] = [0, 0]
  CompressionCodecs[CompressionTypes.Snappy] = () => ({
    compress: async ({ buffer }: { buffer: Uint8Array }) => buffer,
    decompress: async (data: Buffer) => {
      most = Math.max(most, ++unpacking)
      await sleep(unpackMs)
      unpacking -= 1
      return data
    },
  })
  onTestFinished(() => {
    CompressionCodecs[CompressionTypes.Snappy] = missing
  })
  return () => most
}

interface SentRequest {
  readonly request: { encode(): Promise<{ readonly buffer: Buffer }> }
  readonly response: { decode(data: Buffer): Promise<unknown>; parse(data: unknown): Promise<unknown> }
}

function requestOf(connection: string, data: Buffer): Fetched {
  const reader = new ByteReader(data)
  reader.int32()
  const maxWaitMs = reader.int32()
  reader.skip(4 + 4 + 1)
  const [sessionId, epoch] = [reader.int32(), reader.int32()]
  const wanted: PartitionFetch[] = []
  for (let topics = reader.int32(); topics > 0; topics--) {
    const topic = reader.string()
    for (let left = reader.int32(); left > 0; left--) {
      const partition = reader.int32()
      reader.int32()
      wanted.push({ topic, partition, from: Number(reader.int64()) })
      reader.skip(8 + 4)
    }
  }
  const forgotten: string[] = []
  for (let topics = reader.int32(); topics > 0; topics--) {
    const topic = reader.string()
    for (let left = reader.int32(); left > 0; left--) forgotten.push(nameOf({ topic, partition: reader.int32() }))
  }
  return { connection, maxWaitMs, sessionId, epoch, wanted, forgotten }
}

const headOf = (errorCode: number, sessionId: number): Buffer =>
  Buffer.concat([int32(0), int16(errorCode), int32(sessionId), ...(errorCode === 0 ? [] : [int32(0)])])

function int16(value: number): Buffer {
  const data = Buffer.alloc(2)
  data.writeInt16BE(value)
  return data
}

function int32(value: number): Buffer {
  const data = Buffer.alloc(4)
  data.writeInt32BE(value)
  return data
}

function int64(value: number): Buffer {
  const data = Buffer.alloc(8)
  data.writeBigInt64BE(BigInt(value))
  return data
}
