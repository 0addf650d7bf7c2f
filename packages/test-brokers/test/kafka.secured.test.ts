import { randomUUID } from 'node:crypto'
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  type KafkaConfig,
  ResourcePatternTypes,
} from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { brokers, type KafkaServer, kafka, proxy, type SaslMechanism } from '../src/index.js'
import { createTopic, kafkaClient, withAdmin } from './drivers/kafka.js'

describe.skipIf(!brokers.owned('kafka'))('Kafka with TLS, logins and ACLs', () => {
  let server: KafkaServer

  beforeAll(async () => {
    server = await kafka({
      tls: true,
      users: { admin: 'p@ss:/ word', alice: 'secret' },
      superUsers: ['admin'],
      proxies: 1,
      heapMb: 200,
    })
  })
  afterAll(async () => {
    await server?.stop()
  })

  const login = (mechanism: SaslMechanism, username: string, password: string): Partial<KafkaConfig> => ({
    ssl: { ca: [server.ca ?? ''] },
    sasl: { mechanism, username, password } as NonNullable<KafkaConfig['sasl']>,
  })
  const asAdmin = () => login('scram-sha-256', 'admin', 'p@ss:/ word')
  const topics = async (options: Partial<KafkaConfig>, at: Pick<KafkaServer, 'brokers'> = server): Promise<string[]> =>
    await withAdmin(kafkaClient(at, options), (admin) => admin.listTopics())

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'takes the right password with %s',
    async (mechanism) => {
      await topics(login(mechanism, 'admin', 'p@ss:/ word'))
    },
  )

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'refuses a wrong password with %s',
    async (mechanism) => {
      await expect(topics(login(mechanism, 'admin', 'wrong'))).rejects.toThrow(/authentication failed/i)
      await expect(topics(login(mechanism, 'nobody', 'secret'))).rejects.toThrow(/authentication failed/i)
    },
  )

  it('has the first user’s login in the form of kafkajs', async () => {
    expect(server.sasl).toEqual({ mechanism: 'plain', username: 'admin', password: 'p@ss:/ word' })
  })

  it('is refused by a client that does not know its authority', async () => {
    await expect(topics({ ...asAdmin(), ssl: true })).rejects.toThrow(/certificate|self-signed|verify/i)
  })

  it('answers no client without TLS', async () => {
    await expect(
      topics({ ...asAdmin(), ssl: false, connectionTimeout: 1_000, requestTimeout: 1_000 }),
    ).rejects.toThrow()
  })

  it('works through a proxy, and says so if all proxies are in use', async () => {
    const link = await proxy(server)
    await topics(asAdmin(), link)
    expect(link.bytes.out).toBeGreaterThan(1_000)
    await expect(proxy(server)).rejects.toThrow(/All 1 proxies of this Kafka are in use/)
    await link.close()
    await (await proxy(server)).close()
  })

  it('lets users who are not super users do only what an ACL allows', async () => {
    const [open, closed] = [`open.${randomUUID()}`, `closed.${randomUUID()}`]
    const admin = kafkaClient(server, { ...asAdmin(), retry: { retries: 5 } })
    await createTopic(admin, open)
    await createTopic(admin, closed)
    await withAdmin(admin, (client) =>
      client.createAcls({
        acl: [
          {
            resourceType: AclResourceTypes.TOPIC,
            resourceName: open,
            resourcePatternType: ResourcePatternTypes.LITERAL,
            principal: 'User:alice',
            host: '*',
            operation: AclOperationTypes.WRITE,
            permissionType: AclPermissionTypes.ALLOW,
          },
        ],
      }),
    )
    const producer = kafkaClient(server, login('scram-sha-512', 'alice', 'secret')).producer()
    await producer.connect()
    await producer.send({ topic: open, messages: [{ value: 'allowed' }] })
    await expect(producer.send({ topic: closed, messages: [{ value: 'refused' }] })).rejects.toThrow(/not authorized/i)
    await producer.disconnect()
  })
})
