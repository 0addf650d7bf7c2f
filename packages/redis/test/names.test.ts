import { hostname } from 'node:os'
import { redis } from '@mq/redis'
import { brokers, shared, until } from '@mq/test-brokers'
import { describe, expect, it } from 'vitest'
import { settingsOf } from '../src/options.js'
import { client, newTopic, open } from './support/open.js'

const host = hostname()
  .replace(/[^\w.-]/g, '-')
  .slice(0, 100)

describe('names at the broker', () => {
  it('consist of the application, the host and the process', () => {
    expect(settingsOf({}).clientName).toBe(`mq@${host}:${process.pid}`)
    expect(settingsOf({ connectionName: 'shop' }).clientName).toBe(`shop@${host}:${process.pid}`)
  })

  it.each(['', 'two words', 'a\nb', 'x'.repeat(101), 'ünïcode', '~waiting'])('refuse the application %j', (name) => {
    expect(() => redis({ connectionName: name })).toThrow(expect.objectContaining({ code: 'MQ_INVALID_OPTION' }))
  })

  it.skipIf(!brokers.wanted('redis'))('say in the lists of Redis who is who', async () => {
    const { url } = await shared('redis')
    const topic = newTopic()
    const queue = await open(url, { redis: { connectionName: 'shop' } })
    await queue.subscribe(topic, () => {})
    await queue.publish(topic, 1)
    const other = await client(url)
    const name = `shop@${host}:${process.pid}`
    const lines = async () => String(await other.client('LIST')).split('\n')
    const ours = async () => (await lines()).filter((line) => line.includes(` name=${name} `))
    await until(async () => (await ours()).length === 3, { what: 'three connections' })
    const list = async () => (await other.xinfo('CONSUMERS', `mq:{${topic}}:stream`, 'g')) as unknown[][]
    // The subscription is there before its first read.
    await until(async () => (await list()).length > 0, { what: 'the consumer' })
    const consumers = await list()
    expect(consumers.map((info) => info[1])).toEqual([
      expect.stringMatching(new RegExp(`^${name.replaceAll('.', '\\.')}-[0-9a-f]{12}~[0-9a-f]{12}$`)),
    ])
  })
})
