import { randomUUID } from 'node:crypto'
import type { ServerKind } from '@mq/test-brokers'
import { connect } from 'amqplib'
import { Redis } from 'ioredis'
import { Kafka, logLevel } from 'kafkajs'
import { onTestFinished } from 'vitest'
import type { DocumentPart } from '../../src/index.js'

/** A message as a client of the broker gets it. */
export interface Raw {
  readonly headers: Readonly<Record<string, string>>
  readonly payload: unknown
}

/** The parts of a document that say where a channel and a group are at one broker. */
export interface Place {
  readonly channel: DocumentPart
  readonly group: DocumentPart
}

export interface AtBroker {
  /** Reads from the place that the document names, from now on at the latest. Returns what has come so far. */
  listen(place: Place): Promise<() => Promise<readonly Raw[]>>
  hasGroup(place: Place): Promise<boolean>
}

const parse = (body: Uint8Array): unknown => JSON.parse(Buffer.from(body).toString())

const part = <Part = Readonly<Record<string, string>>>(of: DocumentPart, ...path: readonly string[]): Part =>
  path.reduce<unknown>((found, name) => (found as DocumentPart)[name], of) as Part

/** A document does not describe PostgreSQL yet. */
export const atBroker: Readonly<Record<Exclude<ServerKind, 'postgres'>, (url: string) => Promise<AtBroker>>> = {
  async redis(url) {
    const client = new Redis(url)
    onTestFinished(() => void client.disconnect())
    const streamOf = ({ channel }: Place): string => part<string>(channel, 'x-mq-redis', 'stream')
    return {
      listen: async (place) => async () =>
        (await client.xrange(streamOf(place), '-', '+')).map(([, fields]) => {
          const pairs = Array.from({ length: fields.length / 2 }, (_, at) => fields.slice(2 * at, 2 * at + 2))
          const { data = '', ...headers } = Object.fromEntries(pairs) as Record<string, string>
          return { headers, payload: JSON.parse(data) }
        }),
      async hasGroup(place) {
        const groups = (await client.xinfo('GROUPS', streamOf(place))) as readonly (readonly string[])[]
        return groups.some(([, name]) => name === part<string>(place.group, 'x-mq-redis', 'consumerGroup'))
      },
    }
  },
  async rabbitmq(url) {
    const connection = await connect(url)
    onTestFinished(() => connection.close())
    const channel = await connection.createChannel()
    return {
      async listen({ channel: described }) {
        const { name, type, durable } = part<{ name: string; type: string; durable: boolean }>(
          described,
          'bindings',
          'amqp',
          'exchange',
        )
        await channel.assertExchange(name, type, { durable })
        const { queue } = await channel.assertQueue('', { exclusive: true })
        await channel.bindQueue(queue, name, '')
        const found: Raw[] = []
        await channel.consume(queue, (message) => {
          if (message === null) return
          found.push({ headers: message.properties.headers as Raw['headers'], payload: parse(message.content) })
        })
        return async () => found
      },
      async hasGroup({ group }) {
        const { queue } = await channel.checkQueue(part<string>(group, 'x-mq-rabbitmq', 'queue'))
        return queue !== ''
      },
    }
  },
  async kafka(url) {
    const client = new Kafka({ brokers: [new URL(url).host], logLevel: logLevel.NOTHING })
    return {
      async listen({ channel }) {
        const consumer = client.consumer({ groupId: randomUUID() })
        onTestFinished(() => consumer.disconnect())
        await consumer.connect()
        await consumer.subscribe({ topic: part<string>(channel, 'bindings', 'kafka', 'topic'), fromBeginning: true })
        const found: Raw[] = []
        await consumer.run({
          eachMessage: async ({ message: { headers = {}, value } }) => {
            const texts = Object.entries(headers).map(([name, text]) => [name, String(text)])
            found.push({ headers: Object.fromEntries(texts), payload: parse(value ?? Buffer.from('null')) })
          },
        })
        return async () => found
      },
      async hasGroup({ group }) {
        const admin = client.admin()
        onTestFinished(() => admin.disconnect())
        await admin.connect()
        const { groups } = await admin.listGroups()
        const [name] = part<readonly string[]>(group, 'bindings', 'kafka', 'groupId', 'enum')
        return groups.some(({ groupId }) => groupId === name)
      },
    }
  },
}
