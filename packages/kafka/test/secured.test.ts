import { createQueue, type Queue } from '@mq/core'
import { type KafkaOptions, kafka } from '@mq/kafka'
import { brokers, type KafkaServer, kafka as startKafka, until } from '@mq/test-brokers'
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { newTopic } from './support/open.js'
import { withAdmin } from './support/outside.js'

const password = 'p@ss:/ word'

describe.skipIf(!brokers.owned('kafka'))('a Kafka with TLS, logins and ACLs', () => {
  let server: KafkaServer

  beforeAll(async () => {
    server = await startKafka({
      tls: true,
      users: { admin: password, alice: 'secret' },
      superUsers: ['admin'],
      heapMb: 250,
    })
  })
  afterAll(async () => {
    await server?.stop()
  })

  const make = (options: Partial<KafkaOptions> = {}): Queue => {
    const login = { mechanism: 'scram-sha-512', username: 'admin', password } as const
    const adapter = kafka({
      brokers: server.brokers,
      tls: { ca: server.ca ?? '' },
      sasl: login,
      partitions: 2,
      ...options,
    })
    const write = (): void => {}
    const queue = createQueue(adapter, { group: 'g', log: { debug: write, info: write, warn: write, error: write } })
    onTestFinished(() => queue.disconnect({ timeoutMs: 0 }))
    return queue
  }
  const failure = async (options: Partial<KafkaOptions>): Promise<Error & { code?: string }> =>
    await make(options)
      .connect()
      .then(
        () => expect.fail('It connected'),
        (error: Error) => error,
      )

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('publishes and consumes with %s', async (mechanism) => {
    const queue = make({ sasl: { mechanism, username: 'admin', password } })
    await queue.connect()
    const topic = newTopic()
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    await queue.publish(topic, 'secret')
    await until(() => seen.length === 1, { what: 'the message', timeoutMs: 15_000 })
    await queue.disconnect()
  })

  it('takes login, mechanism and TLS from a URL', async () => {
    const login = `admin:${encodeURIComponent(password)}`
    const url = `kafka://${login}@${server.host}:${server.port}?tls=true&mechanism=scram-sha-256`
    const adapter = kafka({ url, tls: { ca: server.ca ?? '' } })
    await adapter.connect()
    await adapter.disconnect({ timeoutMs: 0 })
  })

  it('answers a wrong password with MQ_AUTH_FAILED, and shows no password', async () => {
    for (const mechanism of ['plain', 'scram-sha-512'] as const) {
      const error = await failure({ sasl: { mechanism, username: 'admin', password: 'canary' } })
      expect(error.code).toBe('MQ_AUTH_FAILED')
      const { inspect } = await import('node:util')
      expect(inspect(error, { depth: 10 })).not.toContain('canary')
    }
  })

  it('answers an unknown authority, or a name that is not in the certificate, with MQ_TLS_FAILED', async () => {
    expect((await failure({ tls: true })).code).toBe('MQ_TLS_FAILED')
    expect((await failure({ tls: { ca: server.ca ?? '', servername: 'elsewhere.example' } })).code).toBe(
      'MQ_TLS_FAILED',
    )
  })

  it('answers a client without TLS in time', async () => {
    const startedAt = Date.now()
    const error = await failure({ tls: false, connectTimeoutMs: 2_000 })
    expect(error.code).toMatch(/^MQ_CONNECT_(FAILED|TIMEOUT)$/)
    expect(Date.now() - startedAt).toBeLessThan(4_000)
  })

  it('refuses what a user is not allowed to, in the call that asked for it', async () => {
    const alice = { mechanism: 'plain', username: 'alice', password: 'secret' } as const
    const queue = make({ sasl: alice })
    await queue.connect()
    const topic = newTopic()
    await expect(queue.publish(topic, 1)).rejects.toMatchObject({
      code: 'MQ_PUBLISH_REJECTED',
      message: expect.stringMatching(/authoriz/i),
    })
    await expect(queue.subscribe(topic, () => {})).rejects.toMatchObject({ code: 'MQ_AUTH_FAILED' })
  })

  it('is enough for a user with the rights that the README lists', async () => {
    const right = (resourceType: AclResourceTypes, resourceName: string, operation: AclOperationTypes) => ({
      resourceType,
      resourceName,
      resourcePatternType: ResourcePatternTypes.PREFIXED,
      principal: 'User:alice',
      host: '*',
      operation,
      permissionType: AclPermissionTypes.ALLOW,
    })
    const { TOPIC, GROUP } = AclResourceTypes
    const { CREATE, DELETE, DESCRIBE, READ, WRITE } = AclOperationTypes
    await withAdmin(
      { brokers: server.brokers, sasl: { mechanism: 'plain', username: 'admin', password }, ca: server.ca ?? '' },
      (admin) =>
        admin.createAcls({
          acl: [
            ...[CREATE, DESCRIBE, READ, WRITE, DELETE].map((operation) => right(TOPIC, 'shop--', operation)),
            ...[READ, DELETE].map((operation) => right(GROUP, 'shop--', operation)),
          ],
        }),
    )
    const queue = make({ sasl: { mechanism: 'plain', username: 'alice', password: 'secret' }, prefix: 'shop' })
    await queue.connect()
    const topic = newTopic()
    const seen: number[] = []
    const retry = { attempts: 2, backoff: 'fixed', delayMs: 10, jitter: 'none' } as const
    const subscription = await queue.subscribe(
      topic,
      ({ attempt }) => {
        seen.push(attempt)
        throw new Error('no')
      },
      { retry },
    )
    await queue.publish(topic, 1, { delayMs: 100 })
    await until(async () => (await queue.deadLetters(topic, 'g').list()).length === 1, {
      what: 'the dead letter',
      timeoutMs: 15_000,
    })
    expect(seen).toEqual([1, 2])
    expect(await queue.deadLetters(topic, 'g').purge()).toEqual({ purged: 1 })
    expect(await queue.stats(topic, 'g')).toMatchObject({ ready: 0, dead: 0 })
    await subscription.stop()
    await queue.deleteGroup(topic, 'g')
  })
})
