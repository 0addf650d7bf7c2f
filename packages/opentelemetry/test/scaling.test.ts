import { randomUUID } from 'node:crypto'
import { type Adapter, createQueue } from '@mq/core'
import { kafka } from '@mq/kafka'
import { postgres } from '@mq/postgres'
import { rabbitmq } from '@mq/rabbitmq'
import { redis } from '@mq/redis'
import { brokers, shared } from '@mq/test-brokers'
import { connect } from 'amqplib'
import { Redis } from 'ioredis'
import { Kafka, logLevel } from 'kafkajs'
import { Client } from 'pg'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Trigger, triggerOf, triggers } from './support/shown.js'

/** The fields that KEDA 2.21 documents, as far as a recipe without encryption needs them. */
const documented: Readonly<Record<string, readonly string[]>> = {
  prometheus: ['serverAddress', 'query', 'threshold', 'activationThreshold', 'ignoreNullValues'],
  rabbitmq: ['host', 'hostFromEnv', 'protocol', 'mode', 'queueName', 'value', 'activationValue', 'vhostName'],
  'redis-streams': ['address', 'passwordFromEnv', 'stream', 'consumerGroup', 'lagCount', 'activationLagCount'],
  postgresql: ['connectionFromEnv', 'query', 'targetQueryValue', 'activationTargetQueryValue'],
  kafka: ['bootstrapServers', 'topic', 'consumerGroup', 'lagThreshold', 'activationLagThreshold', 'offsetResetPolicy'],
}

describe('the recipes for KEDA', () => {
  it('have fields that its documentation knows, all of them text', () => {
    expect(triggers.map(({ type }) => type)).toEqual(Object.keys(documented))
    for (const { type, metadata } of triggers) {
      for (const [field, value] of Object.entries(metadata)) {
        expect(documented[type], type).toContain(field)
        expect(typeof value, `${type}: ${field}`).toBe('string')
      }
    }
  })

  /** Counts what waits, as KEDA does with the metadata of the recipe. */
  const counts = {
    async rabbitmq({ queueName = '' }: Trigger['metadata']) {
      const connection = await connect((await shared('rabbitmq')).url)
      onTestFinished(() => connection.close())
      return (await (await connection.createChannel()).checkQueue(queueName)).messageCount
    },
    async redis({ stream = '', consumerGroup }: Trigger['metadata']) {
      const client = new Redis((await shared('redis')).url)
      onTestFinished(() => client.disconnect())
      const groups = (await client.xinfo('GROUPS', stream)) as readonly (readonly unknown[])[]
      const group = groups.find((fields) => fields[fields.indexOf('name') + 1] === consumerGroup)
      return group?.[group.indexOf('lag') + 1]
    },
    async postgres({ query = '' }: Trigger['metadata']) {
      const client = new Client((await shared('postgres')).url)
      await client.connect()
      onTestFinished(() => client.end())
      const { rows } = await client.query({ text: query, rowMode: 'array' })
      return Number(rows[0]?.[0])
    },
    async kafka({ topic = '', consumerGroup = '' }: Trigger['metadata']) {
      const { brokers } = await shared('kafka')
      const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
      await admin.connect()
      onTestFinished(() => admin.disconnect())
      const ends = await admin.fetchTopicOffsets(topic)
      const [committed] = await admin.fetchOffsets({ groupId: consumerGroup, topics: [topic] })
      const lags = ends.map(({ partition, high }) => {
        const offset = committed?.partitions.find((each) => each.partition === partition)?.offset
        return Number(high) - Number(offset)
      })
      return lags.reduce((sum, lag) => sum + lag)
    },
  }

  const recipes = [
    { name: 'rabbitmq', type: 'rabbitmq', adapter: (url: string): Adapter => rabbitmq({ url }) },
    { name: 'redis', type: 'redis-streams', adapter: (url: string): Adapter => redis({ url }) },
    { name: 'postgres', type: 'postgresql', adapter: (url: string): Adapter => postgres({ url }) },
    { name: 'kafka', type: 'kafka', adapter: (url: string): Adapter => kafka({ url }) },
  ] as const

  describe.each(recipes)('at $name', ({ name, type, adapter }) => {
    describe.skipIf(!brokers.wanted(name))('', () => {
      let url: string
      beforeAll(async () => {
        url = (await shared(name)).url
      })

      it('count what waits, by the names there', async () => {
        const topic = `order.paid-${randomUUID().slice(0, 8)}`
        const fields = Object.entries(triggerOf(type).metadata)
        const metadata = Object.fromEntries(fields.map(([field, text]) => [field, text.replace('order.paid', topic)]))
        const queue = createQueue(adapter(url))
        await queue.connect()
        onTestFinished(() => queue.disconnect())
        await queue.declareGroup(topic, 'shipping')
        await queue.publishAll(topic, [1, 2, 3])
        expect(await counts[name](metadata)).toBe(3)
      })
    })
  })
})
