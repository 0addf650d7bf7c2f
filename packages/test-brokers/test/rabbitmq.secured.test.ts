import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { brokers, proxy, type RabbitServer, rabbitmq, until, within } from '../src/index.js'
import { connectRabbit, destroy } from './drivers/rabbitmq.js'
import { quietMs, settles } from './suites/proxy.js'

describe.skipIf(!brokers.owned('rabbitmq'))('RabbitMQ with TLS, users and a memory limit', () => {
  let server: RabbitServer

  beforeAll(async () => {
    server = await rabbitmq({
      tls: true,
      users: {
        alice: { password: 'p@ss:/ #word' },
        bob: { password: 'other', permissions: { configure: '^bob\\.', write: '.*', read: '^bob\\.' } },
      },
      memoryWatermark: 0.3,
    })
  })
  afterAll(async () => {
    await server?.stop()
  })

  const as = (login: string): string => server.url.replace(/\/\/.*@/, `//${login}@`)

  it('accepts a client that trusts its authority and has the first user’s login, which the URL carries', async () => {
    const connection = await connectRabbit(server.url, server)
    const channel = await connection.createChannel()
    await channel.assertQueue(randomUUID(), { durable: true })
    await connection.close()
  })

  it('is refused by a client that does not know its authority', async () => {
    await expect(connectRabbit(server.url)).rejects.toThrow(/certificate|self-signed|verify/i)
  })

  it('answers no client without TLS', async () => {
    await expect(connectRabbit(server.url.replace('amqps:', 'amqp:'))).rejects.toThrow()
  })

  it('works through a proxy, whose address the certificate covers', async () => {
    const link = await proxy(server)
    await (await connectRabbit(link.url, server)).close()
    await link.close()
  })

  it.each(['alice:wrong', 'guest:guest', 'nobody:other'])('refuses the login %s', async (login) => {
    await expect(connectRabbit(as(login), server)).rejects.toThrow(/ACCESS_REFUSED/)
  })

  it('lets each user do what the permissions say', async () => {
    const connection = await connectRabbit(as('bob:other'), server)
    const own = await connection.createChannel()
    await own.assertQueue('bob.queue', { durable: true })
    const refused = await connection.createChannel()
    refused.on('error', () => undefined)
    await expect(refused.assertQueue('alice.queue', { durable: true })).rejects.toThrow(/ACCESS_REFUSED/)
    await connection.close()
  })

  it('blocks publishers while the memory alarm is raised, and lets them continue afterwards', async () => {
    const connection = await connectRabbit(server.url, server)
    const events: string[] = []
    connection.on('blocked', () => events.push('blocked')).on('unblocked', () => events.push('unblocked'))
    const channel = await connection.createConfirmChannel()
    const { queue } = await channel.assertQueue(randomUUID(), { durable: true })
    const publish = (): Promise<void> =>
      new Promise((resolve, reject) => {
        channel.sendToQueue(queue, Buffer.from('text'), {}, (error) => (error ? reject(error as Error) : resolve()))
      })
    await publish()
    await server.alarm(true)
    const blocked = publish()
    await until(() => events.includes('blocked'), { what: 'the broker to say that it blocks' })
    expect(await settles(blocked, quietMs)).toBe(false)
    await server.alarm(false)
    await within(blocked, { what: 'the confirmation after the alarm' })
    await until(() => events.includes('unblocked'), { what: 'the broker to say that it goes on' })
    destroy(connection)
  })

  it('has the given memory limit', async () => {
    expect(await server.rabbitmqctl('status')).toMatch(/watermark setting: 0\.3 /)
  })
})
