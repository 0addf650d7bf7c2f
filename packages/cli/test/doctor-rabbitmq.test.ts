import { brokers, type RabbitServer, rabbitmq, until } from '@mq/test-brokers'
import { beforeAll, describe, expect, it } from 'vitest'
import { examine } from './support/doctor.js'
import { mq } from './support/mq.js'
import { openAt } from './support/open.js'

describe.skipIf(!brokers.owned('rabbitmq'))('mq doctor on RabbitMQ', () => {
  let server: RabbitServer
  const none = '^$'
  const all = '.*'
  const users = {
    root: { password: 'right' },
    reader: { password: 'right', permissions: { configure: none, write: none, read: all } },
    maker: { password: 'right', permissions: { configure: all, write: none, read: all } },
    blind: { password: 'right', permissions: { configure: all, write: all, read: none } },
  }
  beforeAll(async () => {
    server = await rabbitmq({ users, management: true })
    const queue = await openAt('rabbitmq', server.url)
    await queue.declareGroup('mail', 'mailer')
    await queue.disconnect()
    return () => server.stop()
  })
  const urlOf = (user: keyof typeof users, password = 'right'): string =>
    `amqp://${user}:${password}@${server.host}:${server.port}`
  const managed = (): { env: Record<string, string> } => ({ env: { MQ_MANAGEMENT_URL: server.managementUrl ?? '' } })

  it('says which version it is, and that policies are unknown without the management API', async () => {
    const { exitCode, server: name, codes } = await examine(server.url)
    expect({ exitCode, codes }).toEqual({ exitCode: 0, codes: ['rabbitmq.no-management'] })
    expect(name).toBe(`RabbitMQ ${server.version}`)
  })

  it('finds that queues have one replica, and fails over it only if asked to', async () => {
    const { exitCode, finding } = await examine(server.url, managed())
    expect(exitCode).toBe(0)
    expect(finding('rabbitmq.replicas')).toMatchObject({ severity: 'warning' })
    expect((await mq(['doctor', '--strict'], { url: server.url, ...managed() })).code).toBe(1)
  })

  it('finds policies that lose messages, and a delivery timeout below ours', async () => {
    const definition = { 'message-ttl': 1_000, 'max-length': 10, 'delivery-limit': 1, 'consumer-timeout': 60_000 }
    const isOld = server.version?.startsWith('3.10') ?? false
    const { 'consumer-timeout': _, ...known } = definition
    await server.rabbitmqctl('set_policy', 'short', '^mq--', JSON.stringify(isOld ? known : definition))
    // The management API hears of it some seconds later.
    await until(async () => (await examine(server.url, managed())).codes.includes('rabbitmq.policy.message-ttl'), {
      what: 'the policy at the management API',
      timeoutMs: 40_000,
    })
    const { exitCode, finding } = await examine(server.url, managed())
    await server.rabbitmqctl('clear_policy', 'short')
    expect(exitCode).toBe(1)
    expect(finding('rabbitmq.policy.message-ttl').problem).toMatch(
      /^The policy 'short' sets message-ttl, .* \d queues?\.$/,
    )
    expect(finding('rabbitmq.policy.max-length').severity).toBe('error')
    expect(finding('rabbitmq.policy.delivery-limit').problem).toContain('to 1')
    if (!isOld) expect(finding('rabbitmq.delivery-timeout').problem).toContain('60000 ms, below the 1800000 ms')
  })

  it('says why the management API does not answer', async () => {
    const { finding } = await examine(server.url, { env: { MQ_MANAGEMENT_URL: 'http://u:geheim@127.0.0.1:1' } })
    expect(finding('rabbitmq.management-failed').problem).toContain('ECONNREFUSED')
    expect(finding('rabbitmq.management-failed').problem).not.toContain('geheim')
  })

  it('finds a wrong password', async () => {
    const { finding, findings } = await examine(urlOf('root', 'geheim'))
    expect(finding('connect.rights').problem).toContain('refused the login')
    expect(JSON.stringify(findings)).not.toContain('geheim')
  })

  it.each([
    ['reader', 'configure'],
    ['maker', 'write'],
    ['blind', 'read'],
  ] as const)('finds that the user %s lacks the right to %s', async (user, right) => {
    const { exitCode, finding } = await examine(urlOf(user))
    expect(exitCode).toBe(1)
    expect(finding('rabbitmq.rights').problem).toContain(`the right to ${right} `)
  })

  it('leaves nothing at the broker', async () => {
    await examine(server.url)
    expect(await server.rabbitmqctl('list_queues', '--quiet', 'name')).not.toContain('doctor')
    expect(await server.rabbitmqctl('list_exchanges', '--quiet', 'name')).not.toContain('doctor')
  })
})
