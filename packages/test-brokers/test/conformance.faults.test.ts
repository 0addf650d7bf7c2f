import { connect as connectTls } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  behindProxy,
  brokers,
  faultsOf,
  kafka,
  type RabbitServer,
  type RedisServer,
  rabbitmq,
  redis,
  type StartedServer,
  stopBehindProxy,
  until,
  within,
} from '../src/index.js'
import type { Conversation } from './drivers/driver.js'
import { connectRabbit, destroy } from './drivers/rabbitmq.js'
import { connectRedis, redisDriver } from './drivers/redis.js'
import { quietMs, settles } from './suites/proxy.js'

describe.skipIf(!brokers.owned('redis'))('the faults of a Redis', () => {
  const faults = faultsOf('redis')
  let started: StartedServer<RedisServer>
  let driver: Awaited<ReturnType<typeof redisDriver>>
  let client: Conversation

  beforeAll(async () => {
    started = await behindProxy(redis({ password: 'right' }))
    driver = await redisDriver(started.server)
  })
  afterEach(async () => {
    await client?.close()
    await faults.heal?.(started)
  })
  afterAll(async () => {
    await stopBehindProxy(started)
  })
  const link = () => started.link ?? started.server
  const open = async (): Promise<Conversation> => {
    client = await driver.open(link())
    await client.write('warm-up')
    return client
  }

  it('has a name, a version and the URL of its proxy', () => {
    expect(started.broker).toBe(`Redis ${started.server.version}`)
    expect(started.options.url).toBe(started.link?.url)
    expect(new URL(started.options.url).port).not.toBe(String(started.server.port))
  })

  it('link is another way to it, whose faults are its own', async () => {
    const other = await faults.link?.(started)
    if (other === undefined) throw new Error('There is no link')
    const url = String(other.options.url)
    expect(new URL(url).host).not.toBe(new URL(started.options.url).host)
    const conversation = await open()
    const beside = await driver.open({ ...link(), url })
    await beside.write('beside')
    await other.refuse()
    await other.cut()
    await expect(within(beside.write('cut'), { what: 'the write to fail' })).rejects.not.toThrow(/Waited/)
    await conversation.write('still there')
    await other.close()
  })

  it('kill ends it and restart brings it back with its data', async () => {
    const conversation = await open()
    const before = await driver.count()
    await faults.kill?.(started)
    await expect(within(conversation.write('killed'), { what: 'the write to fail' })).rejects.not.toThrow(/Waited/)
    await faults.restart?.(started)
    expect(await driver.count()).toBe(before)
    await open()
  })

  it('cut resets open connections, refuse refuses new ones, and heal lets them in', async () => {
    const conversation = await open()
    await faults.refuse?.(started)
    await conversation.write('still there')
    await faults.cut?.(started)
    await expect(within(conversation.write('cut'), { what: 'the write to fail' })).rejects.not.toThrow(/Waited/)
    await expect(driver.open(link())).rejects.toThrow()
    await faults.heal?.(started)
    await open()
  })

  it('freeze holds back the given direction until heal', async () => {
    const conversation = await open()
    const before = await driver.count()
    await faults.freeze?.(started, 'out')
    const write = conversation.write('frozen')
    await until(async () => (await driver.count()) === before + 1, { what: 'the broker to have the write' })
    expect(await settles(write, quietMs)).toBe(false)
    await faults.heal?.(started)
    await within(write, { what: 'the answer' })
  })

  it('slow takes the time that the bytes need', async () => {
    const conversation = await open()
    await faults.slow?.(started, 50_000)
    const startedAt = Date.now()
    await conversation.write('slow', 25_000)
    expect(Date.now() - startedAt).toBeGreaterThan(400)
  })

  it('dropAnswer loses the answer to a write that the broker has', async () => {
    const conversation = await open()
    const before = await driver.count()
    await faults.dropAnswer?.(started)
    await expect(within(conversation.write('unanswered'), { what: 'the write to fail' })).rejects.not.toThrow(/Waited/)
    expect(await driver.count()).toBe(before + 1)
  })

  it('connections counts the connections of clients', async () => {
    const before = (await faults.connections?.(started)) ?? 0
    const conversation = await open()
    expect(await faults.connections?.(started)).toBe(before + 1)
    await conversation.close()
    await until(async () => (await faults.connections?.(started)) === before, { what: 'the connection to be gone' })
  })

  it('wrongCredentials are refused by the server, unreachable reaches none, and both have the secret', async () => {
    for (const [fault, reason] of [
      ['wrongCredentials', /WRONGPASS/],
      ['unreachable', /ECONNREFUSED/],
    ] as const) {
      const given = faults[fault]?.(started)
      const url = String(given?.options.url)
      expect(decodeURIComponent(new URL(url).password)).toBe(given?.secret)
      await expect(connectRedis(url)).rejects.toThrow(reason)
    }
  })

  it('wrongCredentials throw if the server has no password', async () => {
    const open = { ...started, server: { ...started.server, url: 'redis://127.0.0.1:1' } }
    expect(() => faults.wrongCredentials?.(open)).toThrow('start it with one')
  })

  it('untrusted leads to the broker over TLS, for clients that check no certificate', async () => {
    const url = new URL(String(faults.untrusted?.(started).options.url))
    expect(url.protocol).toBe('rediss:')
    await expect(connectRedis(url.href)).rejects.toThrow(/self[- ]signed|unable to verify/)
    const socket = connectTls({ host: url.hostname, port: Number(url.port), rejectUnauthorized: false })
    const answer = new Promise((resolve) => socket.once('data', (data) => resolve(String(data))))
    socket.write('PING\r\n')
    expect(await within(answer, { what: 'the broker to answer' })).toMatch(/^-NOAUTH/)
    socket.destroy()
  })
})

describe.skipIf(!brokers.owned('rabbitmq'))('the faults of a RabbitMQ', () => {
  const faults = faultsOf('rabbitmq')
  let started: StartedServer<RabbitServer>
  beforeAll(async () => {
    started = await behindProxy(rabbitmq())
  })
  afterAll(async () => {
    await stopBehindProxy(started)
  })

  it('block holds publishers back, and heal lets them continue', async () => {
    const connection = await connectRabbit(started.options.url)
    const channel = await connection.createConfirmChannel()
    const { queue } = await channel.assertQueue('', { exclusive: true })
    const publish = (): Promise<void> =>
      new Promise((resolve, reject) =>
        channel.sendToQueue(queue, Buffer.from('1'), {}, (error) => (error ? reject(error as Error) : resolve())),
      )
    await publish()
    await faults.block?.(started)
    const blocked = publish()
    expect(await settles(blocked, quietMs)).toBe(false)
    await faults.heal?.(started)
    await within(blocked, { what: 'the confirmation after heal', timeoutMs: 10_000 })
    destroy(connection)
  })

  it('kill keeps a queue that was declared just before', async () => {
    const connection = await connectRabbit(started.options.url)
    const queue = `declared-${process.pid}`
    await (await connection.createChannel()).assertQueue(queue, { durable: true })
    await faults.kill?.(started)
    await faults.restart?.(started)
    const after = await connectRabbit(started.options.url)
    expect((await (await after.createChannel()).checkQueue(queue)).queue).toBe(queue)
    await after.close()
  })

  it('wrongCredentials are refused', async () => {
    const { options } = faults.wrongCredentials?.(started) ?? {}
    await expect(connectRabbit(String(options?.url))).rejects.toThrow(/ACCESS_REFUSED|ACCESS-REFUSED|403/)
  })
})

describe.skipIf(!brokers.owned('kafka'))('the faults of a Kafka', () => {
  it('are those of the other brokers, and its clients go through the link', async () => {
    const started = await behindProxy(kafka({ users: { alice: 'right' } }))
    const faults = faultsOf('kafka')
    expect(Object.keys(faults).sort()).toEqual(
      Object.keys(faultsOf('redis'))
        .filter((name) => name !== 'untrusted')
        .sort(),
    )
    expect(new URL(started.options.url).host).toBe(started.link?.brokers[0])
    const { options, secret } = faults.wrongCredentials?.(started) ?? {}
    expect(new URL(String(options?.url)).username).toBe('alice')
    expect(decodeURIComponent(new URL(String(options?.url)).password)).toBe(secret)
    await stopBehindProxy(started)
  })
})
