import { connect } from 'amqplib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { brokers, rabbitCluster, until } from '../src/index.js'

describe.skipIf(!brokers.owned('rabbitmq'))('several RabbitMQ nodes', () => {
  it('share a queue, which survives a SIGKILL of each of them', async () => {
    const cluster = await rabbitCluster()
    onTestFinished(() => cluster.stop())
    const [first, second] = cluster.nodes
    if (first === undefined || second === undefined) throw new Error('There must be two')
    const arguments_ = { 'x-queue-type': 'quorum' }
    const count = async (url: string): Promise<number> => {
      const connection = await connect(url)
      connection.on('error', () => {})
      try {
        const channel = await connection.createConfirmChannel()
        await channel.assertQueue('q', { durable: true, arguments: arguments_ })
        channel.sendToQueue('q', Buffer.from('x'))
        await channel.waitForConfirms()
        return (await channel.checkQueue('q')).messageCount
      } finally {
        await connection.close()
      }
    }
    expect(await count(first.url)).toBe(1)
    await first.kill()
    await until(async () => (await count(second.url)) > 1, { what: 'the other node', timeoutMs: 60_000 })
    const counted = await count(second.url)
    await first.start()
    await until(async () => (await count(first.url)) > counted, { what: 'the first node', timeoutMs: 60_000 })
  }, 180_000)
})
