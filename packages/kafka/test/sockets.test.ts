import type { Socket } from 'node:net'
import { brokers, until } from '@mq/test-brokers'
import { type ISocketFactory, Kafka, type KafkaConfig } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { newTopic, open } from './support/open.js'

describe.skipIf(!brokers.wanted('kafka'))('sockets', () => {
  it('that many calls open at once are all closed by disconnect()', async () => {
    const sockets: Socket[] = []
    const client = (config: KafkaConfig): Kafka =>
      new Kafka({
        ...config,
        socketFactory(options) {
          const socket = (config.socketFactory as ISocketFactory)(options)
          sockets.push(socket)
          return socket
        },
      })
    const topics = Array.from({ length: 4 }, newTopic)
    const { queue: before } = await open()
    for (const topic of topics) await before.declareGroup(topic, 'g')
    const { queue } = await open({ createClient: client })
    const opened = sockets.length
    const letters = topics.map((topic) => queue.deadLetters(topic, 'g').list())
    const stats = topics.map((topic) => queue.stats(topic, 'g'))
    await Promise.all([...letters, ...stats])
    // Two are for the leader, and one is for finding it.
    expect(sockets.length - opened).toBeLessThanOrEqual(2)
    await Promise.all(topics.map((topic) => queue.subscribe(topic, () => {})))
    await queue.disconnect({ timeoutMs: 5_000 })
    await until(() => sockets.every(({ closed }) => closed), { what: 'all sockets to be closed' })
  })
})
