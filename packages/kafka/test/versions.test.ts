import { type AddressInfo, createServer } from 'node:net'
import { createQueue } from '@mq/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { requireVersions } from '../src/driver/known-versions.js'
import { kafka } from '../src/index.js'

type Ranges = Readonly<Record<number, readonly [min: number, max: number]>>

const apiVersionsKey = 18
/** The requests that a Kafka 2.0 knows, as far as the adapter sends them. */
const ofKafka20: Ranges = {
  0: [0, 6],
  1: [0, 8],
  2: [0, 3],
  3: [0, 6],
  8: [0, 4],
  9: [0, 4],
  10: [0, 2],
  11: [0, 3],
  12: [0, 2],
  13: [0, 2],
  14: [0, 2],
  18: [0, 2],
  19: [0, 3],
}

/** The oldest one that is taken. */
const ofKafka24: Ranges = {
  0: [0, 8],
  1: [0, 11],
  2: [0, 5],
  3: [0, 9],
  8: [0, 8],
  9: [0, 6],
  10: [0, 3],
  11: [0, 6],
  12: [0, 4],
  13: [0, 4],
  14: [0, 4],
  18: [0, 3],
  19: [0, 5],
}

/** Answers the one request with which a client asks what a broker knows, and no other. Returns its address. */
async function brokerThatKnows(ranges: Ranges): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (request) => {
      const [key, version, correlation] = [request.readInt16BE(4), request.readInt16BE(6), request.readInt32BE(8)]
      if (key !== apiVersionsKey) return
      const entries = Object.entries(ranges)
      const answer = Buffer.alloc(14 + 6 * entries.length + (version > 0 ? 4 : 0))
      answer.writeInt32BE(answer.length - 4, 0)
      answer.writeInt32BE(correlation, 4)
      answer.writeInt32BE(entries.length, 10)
      for (const [index, [name, [min, max]]] of entries.entries()) {
        answer.writeInt16BE(Number(name), 14 + 6 * index)
        answer.writeInt16BE(min, 16 + 6 * index)
        answer.writeInt16BE(max, 18 + 6 * index)
      }
      socket.write(answer)
    })
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => void server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Returns why no connection to a broker comes about. */
async function refusalOf(brokers: readonly string[]): Promise<unknown> {
  const queue = createQueue(kafka({ brokers, connectTimeoutMs: 5_000 }))
  onTestFinished(() => queue.disconnect())
  return await queue.connect().then(
    () => 'it is connected',
    (error: unknown) => error,
  )
}

describe('connect', () => {
  it('refuses a broker that is too old for a request, and says for which', async () => {
    const address = await brokerThatKnows(ofKafka20)
    expect(await refusalOf([address])).toMatchObject({
      code: 'MQ_CONNECT_FAILED',
      message: `Kafka at ${address} is too old: it knows Fetch up to version 8, not 10. Kafka 2.4 or newer is needed`,
    })
  })

  it('refuses Kafka 2.3, which has no default for the replicas of the topics that the adapter creates', async () => {
    const address = await brokerThatKnows({ ...ofKafka24, 19: [0, 3] })
    expect(await refusalOf([address])).toMatchObject({
      code: 'MQ_CONNECT_FAILED',
      message: `Kafka at ${address} is too old: it knows CreateTopics up to version 3, not 4. Kafka 2.4 or newer is needed`,
    })
  })

  it('refuses one that does not know a request at all', async () => {
    const { 0: _, ...others } = ofKafka20
    expect(await refusalOf([await brokerThatKnows(others)])).toMatchObject({
      code: 'MQ_CONNECT_FAILED',
      message: expect.stringContaining('is too old: it does not know Produce.'),
    })
  })

  it('refuses one that is too new for this version of the adapter', async () => {
    const address = await brokerThatKnows({ ...ofKafka24, 1: [4, 17], 0: [9, 14] })
    expect(await refusalOf([address])).toMatchObject({
      code: 'MQ_CONNECT_FAILED',
      message: expect.stringContaining('is too new: it knows Produce from version 9 on, and this adapter up to 7.'),
    })
  })

  it('says so although another broker of the configuration does not answer', async () => {
    const address = await brokerThatKnows(ofKafka20)
    expect(await refusalOf(['127.0.0.1:1', address])).toMatchObject({
      code: 'MQ_CONNECT_FAILED',
      message: expect.stringContaining(`Kafka at ${address} is too old`),
    })
  })
})

it('Kafka 2.4 knows each version of a request that is needed', () => {
  const ranges = Object.entries(ofKafka24).map(([key, [minVersion, maxVersion]]) => [key, { minVersion, maxVersion }])
  const broker = { versions: Object.fromEntries(ranges), connectionPool: { host: 'a', port: 1 } }
  expect(() => requireVersions(broker as never)).not.toThrow()
})
