import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { hostname } from 'node:os'
import { inspect } from 'node:util'
import { createQueue } from '@mq/core'
import { brokers, proxy, type RabbitServer, rabbitmq as startRabbit } from '@mq/test-brokers'
import { connect } from 'amqplib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RabbitmqOptions, rabbitmq } from '../src/index.js'
import { eventually, freshTopic, open } from './support/open.js'

const password = 'p@ss:/ #wörd%'

describe.skipIf(!brokers.owned('rabbitmq'))('connecting', () => {
  let secured: RabbitServer
  let plain: RabbitServer

  beforeAll(async () => {
    ;[secured, plain] = await Promise.all([
      startRabbit({ tls: true, users: { alice: { password } } }),
      startRabbit({
        users: {
          guest: { password: 'guest' },
          bob: { password: 'other', permissions: { configure: '^$', write: '^$', read: '^$' } },
        },
      }),
    ])
    await plain.rabbitmqctl('add_vhost', 'team/a')
    await plain.rabbitmqctl('set_permissions', '-p', 'team/a', 'guest', '.*', '.*', '.*')
  })
  afterAll(async () => {
    await Promise.all([secured?.stop(), plain?.stop()])
  })

  const failure = async (options: RabbitmqOptions): Promise<Error & { code?: string }> => {
    const queue = createQueue(rabbitmq(options))
    try {
      await queue.connect()
    } catch (error) {
      return error as Error
    } finally {
      await queue.disconnect({ timeoutMs: 0 })
    }
    throw new Error('It connected')
  }

  it('works with TLS, a private certificate authority and a password of any characters', async () => {
    const topic = freshTopic()
    const queue = await open({ url: secured.url, tls: { ca: secured.ca } })
    const given = await open({
      url: `amqps://${secured.host}:${secured.port}`,
      username: 'alice',
      password,
      tls: { ca: secured.ca },
    })
    const got: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void got.push(data))
    await given.publish(topic, 1)
    await eventually(() => got.length === 1, 'the message')
  })

  it('says MQ_TLS_FAILED for a certificate that no authority has signed', async () => {
    const error = await failure({ url: secured.url })
    expect(error.code).toBe('MQ_TLS_FAILED')
    expect(error.message).toMatch(/self-signed|certificate/)
  })

  it.each([
    ['a wrong password', { username: 'alice', password: 'wr0ng-canary' }],
    ['a user that does not exist', { username: 'nobody', password: 'wr0ng-canary' }],
  ])('says MQ_AUTH_FAILED for %s, and shows no password', async (_, login) => {
    const error = await failure({ url: secured.url, tls: { ca: secured.ca }, ...login })
    expect(error.code).toBe('MQ_AUTH_FAILED')
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('wr0ng-canary')
    expect(inspect(error, { depth: 9 })).not.toContain(password)
  })

  it.each([
    ['that the user may not use', { username: 'bob', password: 'other', vhost: 'team/a' }],
    ['that does not exist', { vhost: 'nowhere' }],
  ])('says MQ_AUTH_FAILED for a vhost %s, and names it', async (_, options) => {
    const error = await failure({ url: plain.url, ...options })
    expect(error.code).toBe('MQ_AUTH_FAILED')
    expect(error.message).toContain(`'${options.vhost}'`)
  })

  it('says MQ_AUTH_FAILED when the user may not declare what it needs, and the connection goes on', async () => {
    const queue = await open({ url: plain.url, username: 'bob', password: 'other' })
    await expect(queue.declareGroup('orders', 'workers')).rejects.toMatchObject({ code: 'MQ_AUTH_FAILED' })
    await expect(queue.publish('orders', 1)).rejects.toMatchObject({ code: 'MQ_PUBLISH_REJECTED' })
    expect(queue.health().status).toBe('up')
  })

  it('says MQ_CONNECT_FAILED at once if nothing listens, and MQ_CONNECT_TIMEOUT if nothing answers', async () => {
    expect((await failure({ url: 'amqp://guest:s3cret@127.0.0.1:1' })).code).toBe('MQ_CONNECT_FAILED')
    const link = await proxy(plain)
    await link.freeze('both')
    const startedAt = Date.now()
    expect((await failure({ url: link.url, connectTimeoutMs: 700 })).code).toBe('MQ_CONNECT_TIMEOUT')
    expect(Date.now() - startedAt).toBeLessThan(3_000)
    await link.close()
  })

  it('uses the vhost of the URL or of the options', async () => {
    const topic = freshTopic()
    const first = await open({ url: `${plain.url}/team%2Fa` })
    const second = await open({ url: plain.url, vhost: 'team/a' })
    const elsewhere = await open({ url: plain.url })
    await first.declareGroup(topic, 'workers')
    expect((await second.publish(topic, 1)).routed).toBe('yes')
    expect((await elsewhere.publish(topic, 1)).routed).toBe('no')
  })

  it('takes the next host when one is not there, at first and later', async () => {
    const link = await proxy(plain)
    const queue = await open({
      url: 'amqp://guest:guest@127.0.0.1:1',
      hosts: [`127.0.0.1:${link.port}`, `127.0.0.1:${plain.port}`],
    })
    const topic = freshTopic()
    await queue.publish(topic, 1)
    await link.close()
    await eventually(() => queue.health().state === 'reconnecting', 'the cut to be noticed')
    await eventually(() => queue.health().status === 'up', 'the other host')
    await queue.publish(topic, 2)
  })

  it('takes the next host when one refuses the vhost', async () => {
    await plain.rabbitmqctl('add_vhost', 'crowded')
    await plain.rabbitmqctl('set_permissions', '-p', 'crowded', 'guest', '.*', '.*', '.*')
    await plain.rabbitmqctl('set_vhost_limits', '-p', 'crowded', '{"max-connections": 0}')
    let tries = 0
    const queue = await open({
      url: plain.url,
      hosts: [`127.0.0.1:${plain.port}`],
      vhost: 'crowded',
      connectTimeoutMs: 30_000,
      createClient: async (url, socketOptions) => {
        tries += 1
        if (tries === 2) await plain.rabbitmqctl('clear_vhost_limits', '-p', 'crowded')
        return connect(url, socketOptions)
      },
    })
    expect(tries).toBe(2)
    expect((await queue.publish(freshTopic(), 1)).routed).toBe('no')
  })

  it('tries no other host when one refuses the login, and reports a refusal rather than a missing host', async () => {
    let tries = 0
    const counting: RabbitmqOptions['createClient'] = (url, socketOptions) => {
      tries += 1
      return connect(url, socketOptions)
    }
    const hosts = ['127.0.0.1:1']
    expect((await failure({ url: plain.url, hosts, password: 'wrong', createClient: counting })).code).toBe(
      'MQ_AUTH_FAILED',
    )
    expect(tries).toBe(1)
    expect((await failure({ url: plain.url, hosts, vhost: 'nowhere', createClient: counting })).code).toBe(
      'MQ_AUTH_FAILED',
    )
    expect(tries).toBe(3)
  })

  it('disconnect ends a connection that is being made, and tries no other host', async () => {
    const mute = async () => {
      const joined: string[] = []
      const server = createServer((socket) => {
        joined.push('came')
        socket.on('error', () => undefined).on('close', () => joined.push('went'))
        socket.resume()
      })
      await once(server.listen(0, '127.0.0.1'), 'listening')
      return { joined, server, host: `127.0.0.1:${(server.address() as AddressInfo).port}` }
    }
    const [first, second] = await Promise.all([mute(), mute()])
    const adapter = rabbitmq({ url: `amqp://${first.host}`, hosts: [second.host], connectTimeoutMs: 4_000 })
    const connecting = adapter.connect().catch((error) => error)
    await eventually(() => first.joined.length === 1, 'the attempt')
    const startedAt = Date.now()
    await adapter.disconnect({ timeoutMs: 0 })
    expect(await connecting).toMatchObject({ code: 'MQ_CLOSED' })
    await eventually(() => first.joined.includes('went'), 'the socket to be closed')
    expect(Date.now() - startedAt).toBeLessThan(1_000)
    expect(second.joined).toEqual([])
    for (const { server } of [first, second]) server.close()
  })

  it('replaces a connection that closed before it had listeners', async () => {
    let made = 0
    const queue = await open({
      url: plain.url,
      createClient: async (url, socketOptions) => {
        const connection = await connect(url, socketOptions)
        made += 1
        if (made === 1) await connection.close()
        return connection
      },
    })
    expect((await queue.publish(freshTopic(), 1, { timeoutMs: 5_000 })).routed).toBe('no')
    expect(made).toBe(2)
    expect(queue.health().status).toBe('up')
  })

  it('shows its name and host in the management UI, one connection for publishing and one for consuming', async () => {
    const queue = await open({ url: plain.url, connectionName: 'billing' })
    const named = async (): Promise<string[]> => {
      const listed = await plain.rabbitmqctl('-q', 'list_connections', 'client_properties')
      return [...listed.matchAll(/"connection_name","(billing [^"]*)"/g)].map(([, name]) => name ?? '').sort()
    }
    expect(await named()).toEqual([`billing on ${hostname()} (publish)`])
    await queue.subscribe(freshTopic(), () => {})
    expect(await named()).toEqual([`billing on ${hostname()} (consume)`, `billing on ${hostname()} (publish)`])
  })

  it('createClient opens the connections if it is given', async () => {
    const made: string[] = []
    const queue = await open({
      url: plain.url,
      createClient: (url, socketOptions) => {
        made.push(String(url.hostname))
        return connect(url, socketOptions)
      },
    })
    expect((await queue.publish(freshTopic(), 1)).routed).toBe('no')
    expect(made).toEqual([plain.host])
  })
})
