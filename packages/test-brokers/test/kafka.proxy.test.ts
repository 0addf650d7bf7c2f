import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BrokerProxy, brokers, type KafkaServer, proxy, shared, until } from '../src/index.js'
import { createTopic, kafkaClient, kafkaDriver, withAdmin } from './drivers/kafka.js'
import { proxySuite, quietMs, settles } from './suites/proxy.js'

describe.skipIf(!brokers.owned('kafka'))('in front of Kafka', () => {
  proxySuite({ server: () => shared('kafka'), driver: kafkaDriver })

  describe('the advertised listener', () => {
    let server: KafkaServer
    const links: BrokerProxy[] = []

    beforeAll(async () => {
      server = await shared('kafka')
      links.push(await proxy(server), await proxy(server))
    })
    afterAll(async () => {
      await Promise.all(links.map((link) => link.close()))
    })

    it('leads a client back to its proxy, and a direct client to the broker', async () => {
      const known = await Promise.all(
        [...links, server].map(
          async (at) =>
            await withAdmin(kafkaClient(at), async (admin) => (await admin.describeCluster()).brokers[0]?.port),
        ),
      )
      expect(known).toEqual([...links, server].map((at) => at.port))
    })

    it('also leads a group through the proxy: its consumer gets nothing while that is frozen', async () => {
      const [link] = links
      if (link === undefined) throw new Error('no proxy')
      const topic = `through.${randomUUID()}`
      const direct = kafkaClient(server, { retry: { retries: 5 } })
      await createTopic(direct, topic)
      const seen: string[] = []
      const consumer = kafkaClient(link, { retry: { retries: 5 } }).consumer({
        groupId: randomUUID(),
        maxWaitTimeInMs: 100,
      })
      const producer = direct.producer()
      await producer.connect()
      const send = async (value: string) => void (await producer.send({ topic, messages: [{ value }] }))
      try {
        await consumer.connect()
        await consumer.subscribe({ topic, fromBeginning: true })
        await consumer.run({ eachMessage: async ({ message }) => void seen.push(String(message.value)) })
        await send('first')
        await until(() => seen.includes('first'), { what: 'the first record', timeoutMs: 15_000 })
        await link.freeze('out')
        await send('second')
        expect(
          await settles(
            until(() => seen.includes('second'), { what: 'it', timeoutMs: quietMs * 2 }),
            quietMs,
          ),
        ).toBe(false)
        await link.heal()
        await until(() => seen.includes('second'), { what: 'the second record', timeoutMs: 15_000 })
      } finally {
        await link.heal()
        await Promise.all([consumer.disconnect(), producer.disconnect()])
      }
    })
  })
})
