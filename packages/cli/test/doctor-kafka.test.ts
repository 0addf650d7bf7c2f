import { brokers, type KafkaServer, kafka as startKafka } from '@mq/test-brokers'
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ConfigResourceTypes,
  Kafka,
  ResourcePatternTypes,
} from 'kafkajs'
import { beforeAll, describe, expect, it } from 'vitest'
import { anHourAhead, examine } from './support/doctor.js'
import { openAt } from './support/open.js'

describe.skipIf(!brokers.owned('kafka'))('mq doctor on Kafka', () => {
  let server: KafkaServer
  const password = 'p@ss:/ word'
  beforeAll(async () => {
    server = await startKafka({ users: { admin: password, alice: 'secret' }, superUsers: ['admin'], heapMb: 250 })
    const queue = await openAt('kafka', urlOf('admin', password))
    await queue.declareGroup('mail', 'mailer')
    await queue.publish('mail', 1, { delayMs: 60_000 })
    await queue.disconnect()
    return () => server.stop()
  })
  const urlOf = (user: string, secret: string): string =>
    `kafka://${user}:${encodeURIComponent(secret)}@${server.host}:${server.port}?mechanism=plain`
  const withAdmin = async <T>(work: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> => {
    const admin = new Kafka({
      brokers: [...server.brokers],
      sasl: { mechanism: 'plain', username: 'admin', password },
      logLevel: 0,
    }).admin()
    await admin.connect()
    try {
      return await work(admin)
    } finally {
      await admin.disconnect()
    }
  }
  const configure = (topic: string, config: Record<string, string>): Promise<unknown> =>
    withAdmin((admin) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [
          {
            type: ConfigResourceTypes.TOPIC,
            name: topic,
            configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
          },
        ],
      }),
    )

  it('finds too few replicas and in-sync replicas, and leaves nothing at the broker', async () => {
    const { exitCode, server: name, finding, codes } = await examine(urlOf('admin', password))
    expect({ exitCode, codes }).toEqual({ exitCode: 0, codes: ['kafka.replicas', 'kafka.insync'] })
    expect(name).toBe('Kafka, 1 broker')
    expect(finding('kafka.replicas').problem).toMatch(/^4 topics have \(\S+, …\) fewer than 3 replicas/)
    const topics = await withAdmin((admin) => admin.listTopics())
    expect(topics.filter((topic) => topic.includes('doctor'))).toEqual([])
  })

  it('finds settings of topics that lose messages', async () => {
    await configure('mail', { 'retention.ms': '60000', 'cleanup.policy': 'compact' })
    await configure('mail--mailer---dead', { 'cleanup.policy': 'delete' })
    await configure('mail--mailer---retry', { 'cleanup.policy': 'compact', 'message.timestamp.type': 'CreateTime' })
    await configure('mail---delay', {
      'retention.ms': '1000',
      'unclean.leader.election.enable': 'true',
      'message.timestamp.type': 'LogAppendTime',
    })
    const { exitCode, finding } = await examine(urlOf('admin', password))
    expect(exitCode).toBe(1)
    for (const [code, topic] of [
      ['kafka.retention.main', 'mail'],
      ['kafka.cleanup.main', 'mail'],
      ['kafka.cleanup.dead', 'mail--mailer---dead'],
      ['kafka.cleanup.waiting', 'mail--mailer---retry'],
      ['kafka.timestamps', 'mail--mailer---retry'],
      ['kafka.retention.waiting', 'mail---delay'],
      ['kafka.unclean', 'mail---delay'],
    ] as const) {
      expect(finding(code).problem, code).toContain(`(${topic}`)
    }
  })

  it('finds clocks that are apart', async () => {
    const { finding } = await examine(urlOf('admin', password), { node: anHourAhead })
    expect(finding('kafka.clock').problem).toContain('3600 s apart')
  })

  it('finds a wrong password', async () => {
    const { finding, findings } = await examine(urlOf('admin', 'geheim'))
    expect(finding('connect.rights').severity).toBe('error')
    expect(JSON.stringify(findings)).not.toContain('geheim')
  })

  it('finds rights that are missing, and names them', async () => {
    expect((await examine(urlOf('alice', 'secret'))).finding('kafka.rights.create').problem).toContain(
      'the right Create',
    )
    await withAdmin((admin) =>
      admin.createAcls({
        acl: [AclOperationTypes.CREATE, AclOperationTypes.DESCRIBE].map((operation) => ({
          resourceType: AclResourceTypes.TOPIC,
          resourceName: '*',
          resourcePatternType: ResourcePatternTypes.LITERAL,
          principal: 'User:alice',
          host: '*',
          operation,
          permissionType: AclPermissionTypes.ALLOW,
        })),
      }),
    )
    const { exitCode, finding } = await examine(urlOf('alice', 'secret'))
    expect(exitCode).toBe(1)
    expect(finding('kafka.rights.write').problem).toContain('the right Write')
    expect(finding('kafka.rights.delete').problem).toContain('the right Delete')
    expect(finding('kafka.configs-refused').severity).toBe('info')
  })
})
