import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { kafka } from '@mq/kafka'
import { brokers, shared, until } from '@mq/test-brokers'
import { type ISocketFactory, Kafka } from 'kafkajs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { clientConfig } from '../src/driver/client.js'
import { Cluster } from '../src/driver/cluster.js'
import { settingsOf } from '../src/options.js'
import { newTopic, open } from './support/open.js'

const listen = async (): Promise<{ server: Server; address: string }> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, address: `127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** Returns an address at which nothing listens. */
async function closedAddress(): Promise<string> {
  const { server, address } = await listen()
  server.close()
  await once(server, 'close')
  return address
}

/** Accepts connections, and never sends anything. */
async function silentAddress(): Promise<{ address: string; open: ReadonlySet<Socket> }> {
  const { server, address } = await listen()
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.resume()
  })
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { address, open: sockets }
}

async function canBeUsedWith(first: readonly string[]): Promise<void> {
  const { host, port } = await shared('kafka')
  const startedAt = Date.now()
  const { queue } = await open({ brokers: [...first, `${host}:${port}`] })
  expect(Date.now() - startedAt).toBeLessThan(4_000)
  const topic = newTopic()
  const seen: unknown[] = []
  await queue.subscribe(topic, ({ data }) => void seen.push(data))
  await queue.publish(topic, 'there')
  await until(() => seen.length === 1, { what: 'the message', timeoutMs: 10_000 })
}

const failureOf = async (addresses: readonly string[]): Promise<Error & { code?: string }> => {
  const adapter = kafka({ brokers: addresses, connectTimeoutMs: 4_000, requestTimeoutMs: 1_000 })
  onTestFinished(() => adapter.disconnect({ timeoutMs: 0 }))
  return await adapter.connect().then(
    () => expect.fail('It was connected'),
    (error) => error,
  )
}

describe.skipIf(!brokers.wanted('kafka'))('one broker that answers is enough', () => {
  it('if nothing listens at the address of the first one', async () => {
    await canBeUsedWith([await closedAddress()])
  })

  it('if the first ones are silent, and their connections are closed then', async () => {
    const silent = [await silentAddress(), await silentAddress()]
    await canBeUsedWith(silent.map(({ address }) => address))
    await until(() => silent.every(({ open }) => open.size === 0), { what: 'the silent ones to be let go' })
  })
})

describe.skipIf(!brokers.wanted('kafka'))('one broker of the configuration that answers is enough', () => {
  it('if none of those answers that the cluster has named', async () => {
    const { host, port } = await shared('kafka')
    const { server, address } = await listen()
    server.on('connection', (socket) => {
      const onward = connect({ host, port })
      socket.on('error', () => {}).on('close', () => onward.destroy())
      onward.on('error', () => {}).on('close', () => socket.destroy())
      socket.pipe(onward).pipe(socket)
    })
    onTestFinished(() => void server.close())
    const nowhere = Number((await closedAddress()).split(':')[1])
    let isGone = false
    const settings = settingsOf({ brokers: [address, await closedAddress(), await closedAddress()] })
    const config = clientConfig(settings)
    const client = new Kafka({
      ...config,
      socketFactory: (to) =>
        (config.socketFactory as ISocketFactory)(isGone && to.port === port ? { ...to, port: nowhere } : to),
    })
    const cluster = new Cluster({ ...settings, client })
    onTestFinished(() => cluster.close())
    await cluster.connect()
    isGone = true
    for (let round = 0; round < 3; round++) {
      cluster.disconnect()
      await cluster.ping()
    }
  })
})

describe('brokers of which none answers', () => {
  it('are each named, with the reason', async () => {
    const [closed, other, silent] = [await closedAddress(), await closedAddress(), (await silentAddress()).address]
    const error = await failureOf([closed, silent, other])
    expect(error.code).toBe('MQ_CONNECT_FAILED')
    expect(error.message).toContain(`${closed}: Connection error: connect ECONNREFUSED`)
    expect(error.message).toContain(`${other}: Connection error: connect ECONNREFUSED`)
    expect(error.message).toContain(`${silent} gave no answer for 1000 ms`)
    expect((await failureOf([closed])).message).toMatch(/ cannot be reached: Connection error: connect ECONNREFUSED /)
  })

  it('are given up together after the time for connecting', async () => {
    const silent = [await silentAddress(), await silentAddress()]
    const addresses = silent.map(({ address }) => address)
    const adapter = kafka({ brokers: addresses, connectTimeoutMs: 1_500 })
    await expect(adapter.connect()).rejects.toMatchObject({
      code: 'MQ_CONNECT_TIMEOUT',
      message: expect.stringContaining(addresses.join(', ')),
    })
    await until(() => silent.every(({ open }) => open.size === 0), { what: 'no connection to be open' })
  })
})
